/** The one call of a capture or void to its PSP, and the questions about it; claimed before it is made. */
import { sql } from 'kysely';
import { orThrow } from '#domain/failures.ts';
import { toMoneyText, toUnits } from '#domain/money.ts';
import { modificationKindOf } from '#domain/payments/modification-state.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { applyPayoutOutcome, payoutStateOf, type PayoutState } from '#domain/payments/payout-state.ts';
import type { ActivityDeps } from '../deps.ts';
import { findAuthorisation } from './authorisations.ts';
import type { ModificationRow } from './commands/request-modification.ts';
import type { ModificationOrder } from './connectors.ts';
import { lockModification } from './modifications.ts';
import { moneyOf, readEvidence, sentForMs } from './payment-rows.ts';

export type ModificationCallView = { readonly psp: string; readonly state: PayoutState };

const viewOf = (row: ModificationRow): ModificationCallView => ({
  psp: row.psp,
  state: payoutStateOf(row.callState),
});

export function createModificationCallActivities(deps: Pick<ActivityDeps, 'db' | 'psps' | 'log'>) {
  const { db } = deps;

  const read = (id: string) =>
    db
      .selectFrom('payments.modification')
      .selectAll()
      .select(sentForMs.as('sentForMs'))
      .where('id', '=', id)
      .executeTakeFirstOrThrow();

  const orderOf = async (row: ModificationRow, ageMs: number): Promise<ModificationOrder> => ({
    kind: modificationKindOf(row.kind),
    isFinal: row.isFinal,
    capturedBefore: toMoneyText(
      BigInt((await findAuthorisation(db, row.depositId))?.captured ?? 0),
      row.asset,
    ),
    reference: row.reference,
    chargeReference: row.chargeReference,
    money: moneyOf(row),
    pspReference: row.pspReference,
    ageMs,
    evidence: await readEvidence(db, row.psp, `modification:${row.id}`),
  });

  const heard = async (id: string, outcome: PspOutcome): Promise<ModificationCallView> => {
    deps.log.info({ modificationId: id, outcome: outcome.kind }, 'psp answered about a capture or void');
    return db.transaction().execute(async (trx) => {
      const row = await lockModification(trx, id);
      const before = payoutStateOf(row.callState);
      const after = applyPayoutOutcome(before, outcome);
      const updated = await trx
        .updateTable('payments.modification')
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
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return viewOf(updated);
    });
  };

  return {
    /** Sends it, once. Called again, it tells how the call stands and sends nothing. */
    async sendModification({
      modificationId,
    }: {
      readonly modificationId: string;
    }): Promise<ModificationCallView> {
      const claimed = await db
        .updateTable('payments.modification')
        .set({ sentAt: sql<Date>`now()` })
        .where('id', '=', modificationId)
        .where('state', 'in', ['submitted', 'parked'])
        .where('callState', '=', 'started')
        .where('sentAt', 'is', null)
        .returningAll()
        .executeTakeFirst();
      if (claimed === undefined) {
        const known = await read(modificationId);
        return known.callState === 'started' && known.sentAt !== null
          ? heard(modificationId, { kind: 'unknown', reason: 'sent before' })
          : viewOf(known);
      }
      const parts = deps.psps.get(claimed.psp)?.modifications;
      if (!parts) return heard(modificationId, { kind: 'not_sent', reason: 'no such connector' });
      return heard(modificationId, await parts.modify(await orderOf(claimed, 0)));
    },

    /** Asks for the status by our own reference. */
    async refreshModification({
      modificationId,
    }: {
      readonly modificationId: string;
    }): Promise<ModificationCallView> {
      const row = await read(modificationId);
      // Never claimed: whoever should have sent it died before it could have left.
      if (row.sentAt === null) return heard(row.id, { kind: 'not_sent', reason: 'never sent' });
      const parts = deps.psps.get(row.psp)?.modifications;
      if (!parts) return heard(row.id, { kind: 'unknown', reason: 'no such connector' });
      return heard(row.id, await parts.modificationStatus(await orderOf(row, row.sentForMs)));
    },

    /** Makes what provably never left ready to be sent again, under the same key. */
    async offerModificationAgain({ modificationId }: { readonly modificationId: string }): Promise<void> {
      await db
        .updateTable('payments.modification')
        .set({ callState: 'started', sentAt: null })
        .where('id', '=', modificationId)
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
