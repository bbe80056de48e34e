/** The Disputes API: documents are supplied, then the dispute is defended, or it is accepted. There is no status here. */
import { z } from 'zod';
import type { PartyApp } from '../../support/party-server.ts';
import type { StoredAnswer } from '../idempotency.ts';
import type { Psp } from '../psp.ts';
import type { AdyenSettings } from '../settings.ts';
import { answerWrite } from './adyen-requests.ts';
import { adyenError } from './adyen-errors.ts';

const about = { disputePspReference: z.string(), merchantAccountCode: z.string() };
const reasonsBody = z.object(about);
const acceptBody = z.object(about);
const defendBody = z.object({ ...about, defenseReasonCode: z.string() });
const supplyBody = z.object({
  ...about,
  defenseDocuments: z
    .array(
      z.object({
        content: z.string().min(1),
        contentType: z.string(),
        defenseDocumentTypeCode: z.string(),
      }),
    )
    .min(1),
});

const success: StoredAnswer = { status: 200, body: { disputeServiceResult: { success: true } } };
const wrongAccount = adyenError(403, '901', 'Invalid Merchant Account', 'security');

export function serveAdyenDisputes(app: PartyApp, psp: Psp, { merchantAccount }: AdyenSettings): void {
  const base = '/ca/services/DisputeService/:version{v\\d+}';
  /** Documents wait here until the dispute is defended with them. */
  const documentsOf = (id: string) =>
    psp.store.one<{ value: string }>('select value from setting where name = ?', `documents:${id}`)?.value;
  const serve = <Body extends { merchantAccountCode: string }>(
    call: string,
    schema: z.ZodType<Body>,
    work: (body: Body) => StoredAnswer,
  ) =>
    app.post(`${base}/${call}`, (c) =>
      answerWrite(c, psp, {
        schema,
        merchantAccount,
        work: (body) => ({
          answer: body.merchantAccountCode === merchantAccount ? work(body) : wrongAccount,
        }),
      }),
    );

  serve('retrieveApplicableDefenseReasons', reasonsBody, ({ disputePspReference }) => {
    psp.disputes.must(disputePspReference);
    return {
      status: 200,
      body: {
        ...(success.body as object),
        defenseReasons: [
          {
            defenseReasonCode: 'SupplyDefenseMaterial',
            satisfied: documentsOf(disputePspReference) !== undefined,
            defenseDocumentTypes: [
              { available: false, defenseDocumentTypeCode: 'DefenseMaterial', requirementLevel: 'Required' },
            ],
          },
        ],
      },
    };
  });
  serve('supplyDefenseDocument', supplyBody, ({ disputePspReference, defenseDocuments }) => {
    psp.disputes.must(disputePspReference);
    psp.store.run(
      'insert or replace into setting (name, value) values (?, ?)',
      `documents:${disputePspReference}`,
      JSON.stringify(defenseDocuments),
    );
    return success;
  });
  serve('defendDispute', defendBody, ({ disputePspReference }) => {
    const documents = documentsOf(disputePspReference);
    if (documents === undefined)
      return adyenError(422, '137', 'Required documents are missing.', 'validation');
    psp.disputes.respond(disputePspReference, documents, true);
    return success;
  });
  serve('acceptDispute', acceptBody, ({ disputePspReference }) => {
    psp.disputes.accept(disputePspReference);
    return success;
  });
}
