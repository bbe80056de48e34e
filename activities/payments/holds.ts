/** An authorised deposit until staff have done something with it, or until the PSP no longer holds the money. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { toMoneyText } from '#domain/money.ts';
import { authorisationMs } from '#domain/payments/budgets.ts';
import { depositStates, type DepositState } from '#domain/payments/withdrawal-decision.ts';
import type { Trx } from '#db/connect.ts';
import type { ActivityDeps } from '../deps.ts';
import {
  closeAuthorisation,
  endAuthorisation,
  findAuthorisation,
  leftOf,
  lockAuthorisation,
  openAuthorisation,
  type AuthorisationRow,
} from './authorisations.ts';
import { closeWorkItems } from './commands/work-items.ts';
import { giveUp } from './deposit-outcomes.ts';
import { lockDeposit, moneyOf, mustDeposit, type DepositRow } from './payment-rows.ts';
import { lockAttempt } from './record-outcome.ts';

export type Hold = {
  readonly state: DepositState;
  readonly leftMs: number;
  /** A part is captured and the rest is still held. Missing where nothing is captured yet, and on older answers. */
  readonly isOpen?: true;
  /** Nothing more is captured: the PSP has to let go of the rest now. */
  readonly isClosing?: true;
};

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
          return standingOf(deposit, trx);
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
        await openAuthorisation(trx, deposit, attempt);
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
        return standingOf(held, trx);
      });
    },

    async readHold({ depositId }: { readonly depositId: string }): Promise<Hold> {
      return standingOf(await mustDeposit(db, depositId));
    },

    /**
     * Gives up what is left of an authorisation whose time is over, or that was captured for the last time at a PSP that
     * keeps the rest: voided there, once nothing can be captured any more. Not while a capture or void is under way, and
     * not over before the PSP has taken the void: what it says instead is looked at again later. A deposit of which
     * nothing was captured fails.
     */
    async expireHold({ depositId, number }: Input): Promise<Hold> {
      const attempt = await db
        .selectFrom('payments.attempt')
        .selectAll()
        .where('depositId', '=', depositId)
        .where('number', '=', number)
        .executeTakeFirstOrThrow();
      const parts = deps.psps.get(attempt.psp)?.modifications;
      const held = await db.transaction().execute((trx) => beginClosing(trx, depositId));
      if (attempt.pspReference === null || parts === undefined || held === null)
        return standingOf(await mustDeposit(db, depositId));
      const outcome = await parts.modify({
        kind: 'void',
        isFinal: true,
        // One key for ever: a repeat is the same void.
        reference: `${attempt.reference}:e`,
        chargeReference: attempt.pspReference,
        money: toMoneyText(leftOf(held), held.asset),
        capturedBefore: toMoneyText(BigInt(held.captured), held.asset),
        pspReference: null,
        ageMs: 0,
        evidence: [],
      });
      if (outcome.kind !== 'approved' && outcome.kind !== 'pending')
        return standingOf(await mustDeposit(db, depositId));
      return db.transaction().execute(async (trx) => {
        const now = await lockDeposit(trx, depositId);
        await closeAuthorisation(trx, depositId);
        if (now.state !== 'authorised') return standingOf(now, trx);
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

  /** From this commit on nothing is captured; null while that must wait, or where it is over. */
  async function beginClosing(trx: Trx, depositId: string): Promise<AuthorisationRow | null> {
    const deposit = await lockDeposit(trx, depositId);
    const held = await lockAuthorisation(trx, depositId);
    const { leftMs } = await standingOf(deposit, trx);
    if (held.state === 'closed' || BigInt(held.claimed) > 0n || leftMs > 0) return null;
    await endAuthorisation(trx, depositId, 'expiry', 'closing');
    return held;
  }

  async function standingOf(row: DepositRow, on: Trx | typeof db = db): Promise<Hold> {
    const state = stateOf(row);
    const held = row.authorisationExpiresAt === null ? null : await findAuthorisation(on, row.id);
    const isOver = held === null || held.state === 'closed';
    const open = isOver || state !== 'captured' ? {} : { isOpen: true as const };
    if (held?.state === 'closing') return { state, leftMs: 0, ...open, isClosing: true };
    if (row.authorisationExpiresAt === null) return { state, leftMs: 0 };
    const { rows } = await sql<{ leftMs: number }>`
      select greatest(0, extract(epoch from ${row.authorisationExpiresAt}::timestamptz - now()) * 1000)::float8
        as left_ms`.execute(on);
    return { state, leftMs: Math.ceil(rows[0]?.leftMs ?? 0), ...open };
  }
}
