/** Webhooks of PSPs: proven over the bytes as they came, stored once, then a poke for the workflow that asks again. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  markProcessed,
  receiveWebhook,
  type IncomingWebhook,
} from '#activities/compliance/commands/webhook-inbox.ts';
import {
  createPspConnectors,
  type PspConnectors,
  type WebhookNotice,
} from '#activities/payments/connectors.ts';
import { webhookSource } from '#activities/payments/payment-rows.ts';
import { recordDispute } from '#activities/payments/commands/dispute-notices.ts';
import { recordFraudAlert } from '#activities/payments/commands/fraud-alerts.ts';
import { openWorkItem } from '#activities/payments/commands/work-items.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parseReference, subjectOf, type PaymentSubject } from '#domain/payments/reference.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { logOf } from '../request-start.ts';
import { tellDispute, tellFraudAlert, tellPayment } from './tell-payment.ts';
import { problemResponses } from '../problem.ts';

const route = createRoute({
  method: 'post',
  path: '/webhooks/psp/{psp}',
  operationId: 'receivePspWebhook',
  tags: ['payments'],
  summary: 'Something changed at a PSP',
  description:
    'Signed as the PSP does it: `Stripe-Signature` or `Cko-Signature` over the raw body, or an HMAC inside each Adyen notification item. `stale-signature`: the signed time is more than 300 seconds (Stripe, time of sending) or a week (Checkout.com, time of the event) ago; Adyen signs none.',
  request: {
    params: z.object({
      psp: z
        .string()
        .regex(/^[a-z]{1,20}$/)
        .openapi({ param: { name: 'psp', in: 'path' } }),
    }),
  },
  responses: {
    200: { description: 'Stored, or known already', content: { 'text/plain': { schema: z.string() } } },
    ...problemResponses(
      'invalid-signature',
      'stale-signature',
      'not-found',
      'body-too-large',
      'dependency-unavailable',
    ),
  },
});

type WebhookDeps = Pick<ApiDeps, 'db' | 'temporal' | 'log' | 'config'>;

/** The connectors of a process, from its configuration; shared with whoever wires the workers. */
export function connectorsOf(config: ApiDeps['config']): PspConnectors {
  const { alpha, beta, gamma } = config.psp;
  return createPspConnectors({
    ...(alpha
      ? {
          alpha: {
            url: alpha.url,
            apiKey: alpha.apiKey.reveal(),
            webhookSecret: alpha.webhookSecret.reveal(),
            formerSecrets: alpha.formerSecrets?.reveal() ?? [],
          },
        }
      : {}),
    ...(beta
      ? {
          beta: {
            url: beta.url,
            apiKey: beta.apiKey.reveal(),
            merchantAccount: beta.merchantAccount,
            hmacKey: beta.hmacKey.reveal(),
            formerSecrets: beta.formerSecrets?.reveal() ?? [],
          },
        }
      : {}),
    ...(gamma
      ? {
          gamma: {
            url: gamma.url,
            apiKey: gamma.apiKey.reveal(),
            processingChannelId: gamma.processingChannelId,
            currencyAccountId: gamma.currencyAccountId,
            webhookSecret: gamma.webhookSecret.reveal(),
            formerSecrets: gamma.formerSecrets?.reveal() ?? [],
          },
        }
      : {}),
  });
}

export function mountPspWebhooks(api: Api, deps: WebhookDeps): void {
  const connectors = connectorsOf(deps.config);
  api.openapi(route, async (c) => {
    const connector = connectors.get(c.req.valid('param').psp);
    if (!connector) throw new FailureError(fail('not-found', 'There is nothing at this address.').failure);
    const raw = Buffer.from(await c.req.arrayBuffer());
    const notices = orThrow(connector.verifyWebhook(raw, c.req.raw.headers));
    const log = logOf(c);
    const former = notices.find(({ formerSecret }) => formerSecret !== undefined)?.formerSecret;
    if (former !== undefined)
      log.info({ psp: connector.name, secret: former }, 'a webhook was signed with a former secret');
    for (const notice of notices) await takeNotice({ ...deps, log }, connector.name, notice);
    return c.text(connector.webhookAnswer, 200);
  });
}

/** Durable first; the poke may fail, because the sweep repeats it. */
async function takeNotice(deps: WebhookDeps, psp: string, notice: WebhookNotice): Promise<void> {
  if (notice.dispute) {
    const row = await recordDispute(deps.db, psp, notice.dispute);
    return takeCaseNotice(deps, psp, notice, { noun: 'dispute', id: row?.id ?? null, tell: tellDispute });
  }
  if (notice.fraudAlert) {
    const row = await recordFraudAlert(deps.db, psp, notice.fraudAlert);
    return takeCaseNotice(deps, psp, notice, {
      noun: 'fraud-alert',
      id: row?.id ?? null,
      tell: tellFraudAlert,
    });
  }
  const named = notice.reference === null ? null : parseReference(notice.reference);
  const payment = named !== null && (await isOurs(deps.db, named, psp)) ? named : null;
  const webhook = {
    source: webhookSource(psp),
    externalId: notice.externalId,
    body: notice.body,
    subject: payment === null ? null : subjectOf(payment),
  };
  if (payment === null)
    return takeUnmatched(
      deps.db,
      webhook,
      notice.saysApproved ? 'money moved at the PSP for a payment that we do not know' : null,
    );
  const { fresh } = await receiveWebhook(deps.db, webhook);
  if (!fresh) return;
  try {
    await tellPayment(await deps.temporal(), deps.db, {
      ...payment,
      saysApproved: notice.saysApproved,
      saysFailed: notice.saysFailed === true,
    });
  } catch (error) {
    deps.log.warn({ error, subject: webhook.subject }, 'a stored webhook waits for the sweep');
    return;
  }
  await markProcessed(deps.db, webhook);
}

/**
 * What names nothing of ours is shown to a person with its first delivery, in one transaction: a PSP repeats what it
 * has told, and an item that a person has closed stays closed.
 */
function takeUnmatched(db: Database, webhook: IncomingWebhook, reason: string | null): Promise<void> {
  return db.transaction().execute(async (trx) => {
    const { fresh } = await receiveWebhook(trx, webhook);
    if (!fresh) return;
    if (reason !== null)
      await openWorkItem(trx, {
        kind: 'unmatched-notice',
        subject: `${webhook.source}:${webhook.externalId}`,
        brand: null,
        reason,
      });
    await markProcessed(trx, webhook);
  });
}

/** A dispute or a fraud report of a charge of ours has its row by now, whichever word was the first. */
async function takeCaseNotice(
  deps: WebhookDeps,
  psp: string,
  notice: WebhookNotice,
  { noun, id, tell }: { noun: 'dispute' | 'fraud-alert'; id: string | null; tell: typeof tellDispute },
): Promise<void> {
  const webhook = {
    source: webhookSource(psp),
    externalId: notice.externalId,
    body: notice.body,
    subject: id === null ? null : `${noun}:${id}`,
  };
  if (id === null) return takeUnmatched(deps.db, webhook, `a ${noun} of a charge that we do not know`);
  const { fresh } = await receiveWebhook(deps.db, webhook);
  if (!fresh) return;
  try {
    await tell(await deps.temporal(), deps.db, id);
  } catch (error) {
    deps.log.warn({ error, subject: webhook.subject }, 'a stored webhook waits for the sweep');
    return;
  }
  await markProcessed(deps.db, webhook);
}

async function isOurs(db: Database, payment: PaymentSubject, psp: string): Promise<boolean> {
  const row = await pspOf(db, payment);
  return row?.psp === psp;
}

function pspOf(db: Database, payment: PaymentSubject): Promise<{ psp: string } | undefined> {
  switch (payment.kind) {
    case 'deposit':
      return db
        .selectFrom('payments.attempt')
        .select('psp')
        .where('depositId', '=', payment.id)
        .where('number', '=', payment.attempt)
        .executeTakeFirst();
    case 'withdrawal':
      return db
        .selectFrom('payments.payoutAttempt')
        .select('psp')
        .where('withdrawalId', '=', payment.id)
        .where('number', '=', payment.attempt)
        .executeTakeFirst();
    case 'modification':
      return db
        .selectFrom('payments.modification')
        .select('psp')
        .where('id', '=', payment.id)
        .executeTakeFirst();
    case 'refund':
      return db.selectFrom('payments.refund').select('psp').where('id', '=', payment.id).executeTakeFirst();
  }
}
