/** What the `modification` workflow does in our books: the second person, the end, and the credit of what was captured. */
import { sql } from 'kysely';
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError } from '#domain/failures.ts';
import {
  modificationKindOf,
  modificationStateOf,
  type ModificationState,
} from '#domain/payments/modification-state.ts';
import type { ActivityDeps } from '../deps.ts';
import { isOwnMoney } from './approver-standing.ts';
import { readRefusal } from './payer-standing.ts';
import type { ModificationRow } from './commands/request-modification.ts';
import { closeWorkItems, openWorkItem } from './commands/work-items.ts';
import { endAuthorisation, leftOf, lockAuthorisation, type AuthorisationRow } from './authorisations.ts';
import { creditDeposit, creditFurther, giveUp, isOfAnother } from './deposit-outcomes.ts';
import { lockDeposit, moneyOf, type DepositRow } from './payment-rows.ts';
import { lockAttempt } from './record-outcome.ts';
import type { RefundDecision } from './refunds.ts';

export type ModificationStanding = {
  readonly state: ModificationState;
  /** Hex, of what is decided on. */
  readonly payloadHash: string;
  readonly requestedBy: string;
};

export type ModificationDecision = RefundDecision;

type Input = { readonly modificationId: string };

const standingOf = (row: ModificationRow): ModificationStanding => ({
  state: modificationStateOf(row.state),
  payloadHash: row.payloadHash.toString('hex'),
  requestedBy: row.requestedBy,
});

export function createModificationActivities(deps: Pick<ActivityDeps, 'db' | 'psps' | 'keyRing'>) {
  const { db } = deps;
  const locked = <T>(id: string, work: (trx: Trx, row: ModificationRow) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (trx) => work(trx, await lockModification(trx, id)));

  /** A final capture leaves the rest on the card there until it is voided. */
  const keepsRest = ({ psp }: ModificationRow): boolean =>
    deps.psps.get(psp)?.capabilities.severalCaptures?.releasesRest !== true;

  return {
    /** Where it stands; one that needs a second person begins to wait, any other is ready to be sent. */
    async beginModification({ modificationId }: Input): Promise<ModificationStanding> {
      return locked(modificationId, async (trx, row) => {
        if (row.state === 'requested' || row.state === 'approved')
          return move(
            trx,
            row,
            row.state === 'requested' && row.needsApproval ? 'awaiting-approval' : 'submitted',
          );
        return standingOf(row);
      });
    },

    /**
     * Writes the second person's word, once. Failures: `own-approval`, `already-decided`, `modification-not-open`,
     * `forbidden`.
     */
    async recordModificationDecision(input: Input & ModificationDecision): Promise<ModificationStanding> {
      return locked(input.modificationId, async (trx, row) => {
        if (row.decidedBy !== null) {
          if (row.decidedBy === input.operatorId && row.decision === input.decision) return standingOf(row);
          throw refusal('already-decided', 'Somebody has decided on this before.');
        }
        if (
          input.operatorId === row.requestedBy ||
          (await isOwnMoney(trx, deps.keyRing, row, input.operatorId))
        )
          throw refusal('own-approval', 'Who asks for it, or pays, does not decide on it.');
        if (row.state !== 'awaiting-approval' || row.payloadHash.toString('hex') !== input.payloadHash)
          throw refusal('modification-not-open', `It is ${row.state}, or not what was shown.`);
        if (!mayDo([input.role], 'payments:capture:decide'))
          throw refusal('forbidden', 'This role does not decide on captures.');
        const isRefused = input.decision === 'refuse';
        const barred = row.kind === 'capture' && !isRefused ? await readRefusal(trx, row.playerId) : null;
        if (barred !== null) throw refusal(barred.code, barred.detail);
        const decided = await trx
          .updateTable('payments.modification')
          .set({
            state: isRefused ? 'refused' : 'approved',
            decidedBy: input.operatorId,
            decidedRole: input.role,
            decision: input.decision,
            decisionReason: input.reason,
            decidedHash: Buffer.from(input.payloadHash, 'hex'),
            decidedAt: sql<Date>`now()`,
            ...(isRefused ? { closedAt: sql<Date>`now()`, failureReason: 'refused-by-operator' } : {}),
          })
          .where('id', '=', row.id)
          .returningAll()
          .executeTakeFirstOrThrow();
        const deed: Deed = {
          actor: { kind: 'operator', id: input.operatorId },
          subject: `modification:${row.id}`,
          reason: input.reason,
        };
        if (isRefused) await tell(trx, row, { type: 'refused', reason: 'refused-by-operator' }, deed);
        else await tell(trx, row, { type: 'approved', operatorId: input.operatorId }, deed);
        return standingOf(decided);
      });
    },

    /**
     * Books what the call has shown in the end: a capture credits what it moved, a void gives up what is left, a refusal
     * leaves the authorisation to the next one. `mismatch`: the PSP captured another amount. Repeating changes nothing.
     */
    async settleModification({
      modificationId,
    }: Input): Promise<{ readonly state: ModificationState | 'mismatch' }> {
      return locked(modificationId, async (trx, row) => {
        if (row.state === 'done') return { state: 'done' };
        if (row.callState === 'paid' || row.callState === 'late_paid')
          return { state: await settleDone(trx, row, keepsRest(row)) };
        if (row.callState !== 'declined' && row.callState !== 'not_sent')
          throw new Error(`Invariant broken: the call of modification ${row.id} is ${row.callState}`);
        if (row.state === 'refused') return { state: 'refused' };
        const reason = `refused by ${row.psp}`;
        await close(trx, row, reason);
        await tell(trx, row, { type: 'refused', reason }, byWorkflow(row));
        return { state: 'refused' };
      });
    },

    /** Shows it to people; nothing else can be done to the authorisation until its outcome is known. */
    async parkModification({ modificationId, reason }: Input & { readonly reason: string }): Promise<void> {
      await locked(modificationId, async (trx, row) => {
        if (row.state !== 'submitted') return;
        await trx
          .updateTable('payments.modification')
          .set({ state: 'parked', failureReason: reason })
          .where('id', '=', row.id)
          .execute();
        await openWorkItem(trx, {
          kind: 'parked-modification',
          subject: `modification:${row.id}`,
          brand: row.brand,
          reason,
        });
      });
    },
  };
}

async function settleDone(trx: Trx, row: ModificationRow, keepsRest: boolean): Promise<'done' | 'mismatch'> {
  const deposit = await lockDeposit(trx, row.depositId);
  const held = await lockAuthorisation(trx, row.depositId);
  const isCapture = modificationKindOf(row.kind) === 'capture';
  if (isCapture && (row.processedAsset !== row.asset || row.processedAmount !== row.amount)) {
    await openWorkItem(trx, {
      kind: 'amount-mismatch',
      subject: `modification:${row.id}`,
      brand: row.brand,
      reason: `${row.psp} captured another amount than was asked for`,
    });
    return 'mismatch';
  }
  if (isCapture && isOfAnother(deposit, await lockAttempt(trx, row.depositId, row.attempt))) {
    await openWorkItem(trx, {
      kind: 'amount-mismatch',
      subject: `modification:${row.id}`,
      brand: row.brand,
      reason: `${row.psp} captured it of another player than the deposit's`,
    });
    return 'mismatch';
  }
  // What was seen as taken elsewhere is credited already, all of it.
  const isCredited = held.endedBy === 'elsewhere';
  const journalId = isCapture && !isCredited ? await credit(trx, deposit, row) : null;
  if (!isCapture && deposit.state !== 'captured') await giveBack(trx, deposit, row);
  await trx
    .updateTable('payments.modification')
    .set({ state: 'done', failureReason: null, closedAt: sql<Date>`now()`, journalId })
    .where('id', '=', row.id)
    .execute();
  await end(trx, row, held, keepsRest);
  await closeWorkItems(trx, `modification:${row.id}`, ['parked-modification'], `done by ${row.psp}`);
  await closeWorkItems(
    trx,
    `deposit:${row.depositId}`,
    ['listed-deposit'],
    `decided by ${row.kind} ${row.id}`,
  );
  await tell(trx, row, { type: 'done' }, byWorkflow(row));
  return 'done';
}

/** The first capture makes the deposit a captured one; each further one adds to it, in a journal of its own. */
async function credit(trx: Trx, deposit: DepositRow, row: ModificationRow): Promise<string> {
  const attempt = await lockAttempt(trx, row.depositId, row.attempt);
  const amount = BigInt(row.amount);
  const isFirst = deposit.state !== 'captured';
  // A deposit that was given up when its authorisation ran out is credited all the same: the money was taken.
  const state = !isFirst ? attempt.state : attempt.state === 'cancelled' ? 'late_approved' : 'approved';
  const before = isFirst ? 0n : BigInt(deposit.capturedAmount ?? deposit.amount);
  await trx
    .updateTable('payments.attempt')
    .set({
      state,
      ...(state === attempt.state ? {} : { resolvedAt: sql<Date>`now()` }),
      processedAsset: row.processedAsset,
      processedAmount: (before + amount).toString(),
    })
    .where('depositId', '=', row.depositId)
    .where('number', '=', row.attempt)
    .execute();
  return isFirst
    ? creditDeposit(trx, deposit, { ...attempt, state }, amount)
    : creditFurther(trx, deposit, row, amount);
}

/** Of a deposit that brought nothing. */
async function giveBack(trx: Trx, deposit: DepositRow, row: ModificationRow): Promise<void> {
  await trx
    .updateTable('payments.attempt')
    .set({ state: 'cancelled', resolvedAt: sql<Date>`now()` })
    .where('depositId', '=', row.depositId)
    .where('number', '=', row.attempt)
    .where('state', '<>', 'cancelled')
    .execute();
  if (deposit.state === 'authorised' || deposit.state === 'parked') await giveUp(trx, deposit, 'voided');
}

/** What ends the authorisation ends it with the same commit; the deposit's workflow sees to what is left. */
async function end(
  trx: Trx,
  row: ModificationRow,
  held: AuthorisationRow,
  keepsRest: boolean,
): Promise<void> {
  if (!row.isFinal) return;
  if (row.kind === 'void') return endAuthorisation(trx, row.depositId, 'void', 'closed');
  const hasRest = leftOf(held) > BigInt(row.amount);
  await endAuthorisation(
    trx,
    row.depositId,
    hasRest ? 'final-capture' : 'captured',
    hasRest && held.several && keepsRest ? 'closing' : 'closed',
  );
}

type Told =
  | { readonly type: 'approved'; readonly operatorId: string }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'done' };

function tell(trx: Trx, row: ModificationRow, told: Told, deed: Deed): Promise<void> {
  const about = { version: 1 as const, brand: row.brand, playerId: row.playerId };
  const payload = { modificationId: row.id, depositId: row.depositId, kind: modificationKindOf(row.kind) };
  switch (told.type) {
    case 'approved':
      return appendEvent(
        trx,
        {
          type: 'payments.modification.approved',
          ...about,
          payload: { modificationId: row.id, operatorId: told.operatorId },
        },
        deed,
      );
    case 'refused':
      return appendEvent(
        trx,
        { type: 'payments.modification.refused', ...about, payload: { ...payload, reason: told.reason } },
        deed,
      );
    case 'done':
      return appendEvent(
        trx,
        {
          type: 'payments.modification.completed',
          ...about,
          payload: { ...payload, isFinal: row.isFinal, money: moneyOf(row), psp: row.psp },
        },
        deed,
      );
  }
}

async function move(trx: Trx, row: ModificationRow, state: ModificationState): Promise<ModificationStanding> {
  await trx.updateTable('payments.modification').set({ state }).where('id', '=', row.id).execute();
  return standingOf({ ...row, state });
}

const close = (trx: Trx, row: ModificationRow, failureReason: string) =>
  trx
    .updateTable('payments.modification')
    .set({ state: 'refused', failureReason, closedAt: sql<Date>`now()` })
    .where('id', '=', row.id)
    .execute();

export async function lockModification(trx: Trx, id: string): Promise<ModificationRow> {
  // The deposit's row first, as everywhere.
  const known = await trx
    .selectFrom('payments.modification')
    .select('depositId')
    .where('id', '=', id)
    .executeTakeFirst();
  if (!known) throw refusal('not-found', 'There is no such capture or void.');
  await lockDeposit(trx, known.depositId);
  return trx
    .selectFrom('payments.modification')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

const refusal = (code: Parameters<typeof fail>[0], detail: string): FailureError =>
  new FailureError(fail(code, detail).failure);

const byWorkflow = (row: Pick<ModificationRow, 'id'>) =>
  ({ actor: { kind: 'workflow', id: `modification:${row.id}` }, subject: `modification:${row.id}` }) as const;
