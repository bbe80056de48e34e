/** The one call of a refund to its PSP, and the questions about it; as with payouts, claimed before it is made. */
import { sql } from 'kysely';
import { orThrow } from '#domain/failures.ts';
import { toUnits } from '#domain/money.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import {
  applyRefundOutcome,
  isRefundCallResolved,
  refundCallStateOf,
  type RefundCallState,
} from '#domain/payments/refund-state.ts';
import type { ActivityDeps } from '../deps.ts';
import type { RefundRow } from './commands/request-refund.ts';
import type { RefundOrder } from './connectors.ts';
import { moneyOf, readEvidence, sentForMs } from './payment-rows.ts';
import { lockRefund } from './refunds.ts';

export type RefundCallView = { readonly psp: string; readonly state: RefundCallState };

const viewOf = (row: RefundRow): RefundCallView => ({
  psp: row.psp,
  state: refundCallStateOf(row.callState),
});

export function createRefundCallActivities(deps: Pick<ActivityDeps, 'db' | 'psps' | 'log'>) {
  const { db } = deps;

  const read = (refundId: string) =>
    db
      .selectFrom('payments.refund')
      .selectAll()
      .select(sentForMs.as('sentForMs'))
      .where('id', '=', refundId)
      .executeTakeFirstOrThrow();

  const orderOf = async (row: RefundRow, ageMs: number): Promise<RefundOrder> => ({
    reference: row.reference,
    chargeReference: row.chargeReference,
    money: moneyOf(row),
    pspReference: row.pspReference,
    ageMs,
    isClosed: isRefundCallResolved(refundCallStateOf(row.callState)),
    evidence: await readEvidence(db, row.psp, `refund:${row.id}`),
  });

  const heard = async (refundId: string, outcome: PspOutcome): Promise<RefundCallView> => {
    deps.log.info({ refundId, outcome: outcome.kind }, 'psp answered about a refund');
    return db.transaction().execute(async (trx) => {
      const row = await lockRefund(trx, refundId);
      const before = refundCallStateOf(row.callState);
      const after = applyRefundOutcome(before, outcome);
      const updated = await trx
        .updateTable('payments.refund')
        .set({
          callState: after,
          ...('pspReference' in outcome && outcome.pspReference !== null
            ? { pspReference: outcome.pspReference }
            : {}),
          ...(after !== before ? { rawCode: rawCodeOf(outcome) } : {}),
          ...(after !== before && outcome.kind === 'approved'
            ? {
                processedAsset: outcome.processed.asset,
                processedAmount: orThrow(toUnits(outcome.processed)).toString(),
              }
            : {}),
        })
        .where('id', '=', refundId)
        .returningAll()
        .executeTakeFirstOrThrow();
      return viewOf(updated);
    });
  };

  return {
    /** Sends the refund, once. Called again, it tells how the call stands and sends nothing. */
    async sendRefund({ refundId }: { readonly refundId: string }): Promise<RefundCallView> {
      const claimed = await db
        .updateTable('payments.refund')
        .set({ sentAt: sql<Date>`now()` })
        .where('id', '=', refundId)
        .where('state', 'in', ['submitted', 'parked'])
        .where('callState', '=', 'started')
        .where('sentAt', 'is', null)
        .returningAll()
        .executeTakeFirst();
      if (claimed === undefined) {
        const known = await read(refundId);
        return known.callState === 'started' && known.sentAt !== null
          ? heard(refundId, { kind: 'unknown', reason: 'sent before' })
          : viewOf(known);
      }
      const connector = deps.psps.get(claimed.psp);
      if (!connector) return heard(refundId, { kind: 'not_sent', reason: 'no such connector' });
      return heard(refundId, await connector.refund(await orderOf(claimed, 0)));
    },

    /** Asks for the status by our own reference. */
    async refreshRefund({ refundId }: { readonly refundId: string }): Promise<RefundCallView> {
      const row = await read(refundId);
      // Never claimed: whoever should have sent it died before it could have left.
      if (row.sentAt === null) return heard(row.id, { kind: 'not_sent', reason: 'never sent' });
      const connector = deps.psps.get(row.psp);
      if (!connector) return heard(row.id, { kind: 'unknown', reason: 'no such connector' });
      return heard(row.id, await connector.refundStatus(await orderOf(row, row.sentForMs)));
    },

    /** Makes a refund that provably never left ready to be sent again, under the same key. */
    async offerRefundAgain({ refundId }: { readonly refundId: string }): Promise<void> {
      await db
        .updateTable('payments.refund')
        .set({ callState: 'started', sentAt: null })
        .where('id', '=', refundId)
        .where('callState', '=', 'not_sent')
        .where('state', 'in', ['submitted', 'parked'])
        .execute();
    },
  };
}

function rawCodeOf(outcome: PspOutcome): string | null {
  if (outcome.kind === 'declined') return outcome.rawCode.slice(0, 100);
  return outcome.kind === 'unknown' || outcome.kind === 'not_sent' ? outcome.reason.slice(0, 100) : null;
}
