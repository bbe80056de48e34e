/** An authorised deposit until staff have done something with it, or until the PSP no longer holds the money. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { authorisationMs } from '#domain/payments/budgets.ts';
import { depositStates, type DepositState } from '#domain/payments/withdrawal-decision.ts';
import type { ActivityDeps } from '../deps.ts';
import { closeWorkItems } from './commands/work-items.ts';
import { giveUp } from './deposit-outcomes.ts';
import { lockDeposit, moneyOf, mustDeposit, type DepositRow } from './payment-rows.ts';
import { lockAttempt } from './record-outcome.ts';

export type Hold = { readonly state: DepositState; readonly leftMs: number };

type Input = { readonly depositId: string; readonly number: number };

const stateOf = (row: Pick<DepositRow, 'state'>): DepositState => {
  const state = depositStates.find((known) => known === row.state);
  if (state === undefined) throw new Error(`Invariant broken: deposit state ${row.state}`);
  return state;
};

export function createHoldActivities(deps: Pick<ActivityDeps, 'db' | 'psps'>) {
  const { db } = deps;

  return {
    /** Begins the hold once, and tells how long it lasts; by the database's clock. */
    async holdDeposit({ depositId, number }: Input): Promise<Hold> {
      return db.transaction().execute(async (trx) => {
        const deposit = await lockDeposit(trx, depositId);
        const attempt = await lockAttempt(trx, depositId, number);
        if (
          attempt.state !== 'authorised' ||
          !['processing', 'awaiting-action', 'parked'].includes(deposit.state)
        )
          return leftOf(deposit);
        const held = await trx
          .updateTable('payments.deposit')
          .set({
            state: 'authorised',
            authorisationExpiresAt: sql<Date>`now() + make_interval(secs => ${authorisationMs / 1_000})`,
            failureReason: null,
          })
          .where('id', '=', depositId)
          .returningAll()
          .executeTakeFirstOrThrow();
        await appendEvent(
          trx,
          {
            type: 'payments.deposit.authorised',
            version: 1,
            brand: deposit.brand,
            playerId: deposit.playerId,
            payload: { depositId, money: moneyOf(deposit), psp: attempt.psp },
          },
          { actor: { kind: 'workflow', id: `deposit:${depositId}` }, subject: `deposit:${depositId}` },
        );
        return leftOf(held);
      });
    },

    async readHold({ depositId }: { readonly depositId: string }): Promise<Hold> {
      return leftOf(await mustDeposit(db, depositId));
    },

    /**
     * Gives an authorisation up whose time is over: voided at the PSP, then the deposit fails. Not while a capture or
     * void is under way, and not before the PSP has taken the void: what it says instead is looked at again later.
     */
    async expireHold({ depositId, number }: Input): Promise<Hold> {
      const attempt = await db
        .selectFrom('payments.attempt')
        .selectAll()
        .where('depositId', '=', depositId)
        .where('number', '=', number)
        .executeTakeFirstOrThrow();
      const deposit = await mustDeposit(db, depositId);
      const parts = deps.psps.get(attempt.psp)?.modifications;
      if (attempt.pspReference === null || parts === undefined || (await isChanging(depositId)))
        return leftOf(deposit);
      const outcome = await parts.modify({
        kind: 'void',
        // One key for ever: a repeat is the same void.
        reference: `${attempt.reference}:e`,
        chargeReference: attempt.pspReference,
        money: moneyOf(deposit),
        pspReference: null,
        ageMs: 0,
        evidence: [],
      });
      if (outcome.kind !== 'approved' && outcome.kind !== 'pending') return leftOf(deposit);
      return db.transaction().execute(async (trx) => {
        const now = await lockDeposit(trx, depositId);
        if (now.state !== 'authorised') return leftOf(now);
        await trx
          .updateTable('payments.attempt')
          .set({ state: 'cancelled', resolvedAt: sql<Date>`now()` })
          .where('depositId', '=', depositId)
          .where('number', '=', number)
          .where('state', '=', 'authorised')
          .execute();
        await giveUp(trx, now, 'authorisation-expired');
        await closeWorkItems(trx, `deposit:${depositId}`, ['listed-deposit'], 'nobody decided in time');
        return { state: 'failed', leftMs: 0 };
      });
    },
  };

  async function isChanging(depositId: string): Promise<boolean> {
    const open = await db
      .selectFrom('payments.modification')
      .select('id')
      .where('depositId', '=', depositId)
      .where('state', '<>', 'refused')
      .executeTakeFirst();
    return open !== undefined;
  }

  async function leftOf(row: DepositRow): Promise<Hold> {
    if (row.authorisationExpiresAt === null) return { state: stateOf(row), leftMs: 0 };
    const { rows } = await sql<{ leftMs: number }>`
      select greatest(0, extract(epoch from ${row.authorisationExpiresAt}::timestamptz - now()) * 1000)::float8
        as left_ms`.execute(db);
    return { state: stateOf(row), leftMs: Math.ceil(rows[0]?.leftMs ?? 0) };
  }
}
