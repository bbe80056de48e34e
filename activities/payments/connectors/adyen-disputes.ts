/**
 * Disputes in Adyen's words. There is no question for their state, so the signed notifications are the evidence, each
 * checked again when it is read; a reversal is explicitly not final, and a second chargeback may follow.
 */
import { DisputesAPI, type Client } from './adyen-sdk.ts';
import type {
  DisputeAnswer,
  DisputeMovement,
  DisputeOutcome,
  DisputePlace,
} from '#domain/payments/dispute-state.ts';
import type { AdyenAccount, PspDisputes } from '../connectors.ts';
import { AdyenRefusal } from './adyen-client.ts';
import { disputeCodes, readEvidence, type AdyenItem } from './adyen-webhooks.ts';
import { fromMinorNumber } from './minor-units.ts';

type Failed = (error: unknown) => { readonly kind: 'not_sent' | 'unknown'; readonly reason: string };

/** The notifications with which money moves, in the order of a dispute's life. */
const movementCodes: readonly (readonly [string, DisputeMovement['kind']])[] = [
  ['CHARGEBACK', 'withdrawn'],
  ['CHARGEBACK_REVERSED', 'reinstated'],
  ['SECOND_CHARGEBACK', 'withdrawn'],
  ['PREARBITRATION_WON', 'reinstated'],
];

export function adyenDisputes(client: Client, account: AdyenAccount, failed: Failed): PspDisputes {
  const api = new DisputesAPI(client).DisputesApi;
  const merchantAccountCode = account.merchantAccount;

  const answered = async (
    call: () => Promise<{ disputeServiceResult?: { success: boolean; errorMessage?: string } }>,
  ): Promise<DisputeAnswer> => {
    try {
      const { disputeServiceResult: result } = await call();
      return result?.success === true
        ? { kind: 'taken' }
        : { kind: 'refused', rawCode: (result?.errorMessage ?? 'no success').slice(0, 100) };
    } catch (error) {
      const outcome = failed(error);
      return error instanceof AdyenRefusal && outcome.kind === 'not_sent' && error.isOfContent
        ? { kind: 'refused', rawCode: error.errorCode ?? 'refused' }
        : outcome;
    }
  };

  return {
    dispute: ({ pspReference, evidence }) =>
      Promise.resolve(
        toldBy(
          readEvidence(account, evidence, { pspReference }).filter(
            ({ eventCode, success }) => disputeCodes.has(eventCode) && success === 'true',
          ),
        ),
      ),
    submitEvidence: ({ pspReference, key }, text) =>
      answered(async () => {
        const about = { disputePspReference: pspReference, merchantAccountCode };
        const supplied = await api.supplyDefenseDocument(
          {
            ...about,
            defenseDocuments: [
              {
                content: Buffer.from(text, 'utf8').toString('base64'),
                contentType: 'text/plain',
                defenseDocumentTypeCode: 'DefenseMaterial',
              },
            ],
          },
          { idempotencyKey: `${key}:s` },
        );
        if (!supplied.disputeServiceResult.success) return supplied;
        return api.defendDispute(
          { ...about, defenseReasonCode: 'SupplyDefenseMaterial' },
          { idempotencyKey: `${key}:d` },
        );
      }),
    acceptDispute: ({ pspReference, key }) =>
      answered(() =>
        api.acceptDispute(
          { disputePspReference: pspReference, merchantAccountCode },
          { idempotencyKey: `${key}:a` },
        ),
      ),
  };
}

function toldBy(items: readonly AdyenItem[]): DisputeOutcome {
  const [first] = items;
  if (!first) return { kind: 'unknown', reason: 'no notification' };
  const find = (code: string) => items.find(({ eventCode }) => eventCode === code);
  const moneyOf = ({ amount }: AdyenItem) => fromMinorNumber(amount.value, amount.currency);
  const latest = items.findLast(({ additionalData }) => additionalData.defensePeriodEndsAt !== undefined);
  const dueMs = Date.parse(latest?.additionalData.defensePeriodEndsAt ?? '');
  return {
    kind: 'told',
    ...placeOf((code) => find(code) !== undefined),
    reason:
      items.find(({ additionalData }) => additionalData.chargebackReasonCode !== undefined)?.additionalData
        .chargebackReasonCode ?? null,
    evidenceDueAt: Number.isNaN(dueMs) ? null : new Date(dueMs).toISOString(),
    money: moneyOf(first),
    movements: movementCodes.flatMap(([code, kind]): DisputeMovement[] => {
      const item = find(code);
      return item ? [{ reference: `${code}:${item.pspReference}`, kind, money: moneyOf(item) }] : [];
    }),
  };
}

/** The furthest place that the notifications prove together; their order of arrival proves nothing. */
function placeOf(has: (code: string) => boolean): DisputePlace {
  const isLost = has('PREARBITRATION_LOST') || has('DISPUTE_DEFENSE_PERIOD_ENDED');
  if (has('SECOND_CHARGEBACK')) {
    if (has('PREARBITRATION_WON')) return { stage: 'second-chargeback', status: 'won' };
    return { stage: 'second-chargeback', status: isLost ? 'lost' : 'needs-response' };
  }
  if (has('CHARGEBACK_REVERSED')) return { stage: 'chargeback', status: 'won' };
  if (isLost) return { stage: 'chargeback', status: 'lost' };
  if (has('CHARGEBACK') || has('NOTIFICATION_OF_CHARGEBACK')) {
    const isAnswered = has('INFORMATION_SUPPLIED') && !has('REQUEST_FOR_INFORMATION');
    return { stage: 'chargeback', status: isAnswered ? 'under-review' : 'needs-response' };
  }
  return { stage: 'inquiry', status: has('INFORMATION_SUPPLIED') ? 'under-review' : 'needs-response' };
}
