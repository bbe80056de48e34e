/** Money that a confirmed match with a list holds back: one person proposes what becomes of it, another one decides. */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { confirmedScreening, type ScreeningRow } from '#activities/kyc/commands/screenings.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { takeKey, type ActKey } from '#activities/compliance/commands/keyed-acts.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsHeldMoneyProposal } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText, type Units } from '#domain/money.ts';
import {
  checkHeldMoneyWish,
  heldMoneyContent,
  heldMoneyDecisions,
  heldMoneyReasons,
  type HeldMoneyWish,
} from '#domain/payments/held-money.ts';
import { isOwnMoney } from '../approver-standing.ts';
import { lockWithdrawal, type WithdrawalRow } from '../payment-rows.ts';
import { hasLivePayout, hasPayouts } from '../withdrawal-legs.ts';

type BlindIndex = Pick<ActivityDeps['keyRing'], 'blindIndex'>;

export type HeldMoneyRow = Selectable<PaymentsHeldMoneyProposal>;

export type ProposeHeldMoney = HeldMoneyWish & {
  /** Made from the operator and the idempotency key. */
  readonly proposalId: string;
  readonly withdrawalId: string;
  readonly note: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/**
 * Writes the proposal, or finds the one that the key made before; nothing moves. Failures: `not-found`,
 * `idempotency-key-reused`, `own-approval` (one's own money), `held-money-not-open` (nothing is held for a match, another
 * proposal waits, or a payout may be on its way), those of `checkHeldMoneyWish`.
 */
export async function proposeHeldMoney(
  trx: Trx,
  keyRing: BlindIndex,
  order: ProposeHeldMoney,
): Promise<Result<HeldMoneyRow>> {
  const { proposalId: id, withdrawalId, decision, reasonCode, reference, note, operatorId } = order;
  const withdrawal = await lockWithdrawal(trx, withdrawalId);
  const known = await findProposal(trx, id);
  if (known !== undefined)
    return known.fingerprint.equals(order.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another proposal.');
  if (await isOwnMoney(trx, keyRing, withdrawal, operatorId))
    return fail('own-approval', 'Nobody decides about his own money.');
  const held = await heldOf(trx, withdrawal, order);
  if (!held.ok) return held;
  const { screening, amount } = held.value;
  const wish = checkHeldMoneyWish(order, screening.lists);
  if (!wish.ok) return wish;
  const { playerId, brand, asset } = withdrawal;
  const content = { id, withdrawalId, screeningId: screening.id, asset, amount, note };
  const row = await trx
    .insertInto('payments.heldMoneyProposal')
    .values({
      ...content,
      playerId,
      brand,
      amount: amount.toString(),
      decision,
      reasonCode,
      reference,
      payloadHash: createHash('sha256')
        .update(heldMoneyContent({ ...content, decision, reasonCode, reference }))
        .digest(),
      fingerprint: order.fingerprint,
      proposedBy: operatorId,
    })
    // As a literal: a plan for any parameter finds no partial index for it.
    .onConflict((conflict) =>
      conflict.column('withdrawalId').where('state', '=', sql.lit('proposed')).doNothing(),
    )
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) return fail('held-money-not-open', 'Another proposal waits for its decision.');
  await tell(trx, 'payments.held-money.proposed', row, withdrawal, { operatorId, reason: note });
  return succeed(row);
}

export type DecideHeldMoney = {
  readonly proposalId: string;
  readonly decision: 'approve' | 'refuse';
  /** Hex, of what the person was shown. */
  readonly payloadHash: string;
  readonly reason: string;
  readonly operatorId: string;
  readonly key: ActKey;
};

/**
 * Decides, once; a repeat with the key, or by the same person, answers with the row. What was forfeited is booked in this transaction; what is
 * to be paid is taken up by the withdrawal's workflow, which the event starts. Whoever proposed may refuse, which takes it
 * back. Failures: `not-found`, `idempotency-key-reused`, `own-approval`, `held-money-not-open` (decided before, not what was shown, or not held so any
 * more), `insufficient-funds`.
 */
export async function decideHeldMoney(
  trx: Trx,
  keyRing: BlindIndex,
  order: DecideHeldMoney,
): Promise<Result<HeldMoneyRow>> {
  const { proposalId, decision, operatorId, reason } = order;
  const taken = await takeKey(trx, order.key);
  if (!taken.ok) return taken;
  const shown = await findProposal(trx, proposalId);
  if (shown === undefined) return fail('not-found', 'There is no such proposal.');
  const withdrawal = await lockWithdrawal(trx, shown.withdrawalId);
  const row = (await findProposal(trx, proposalId)) ?? shown;
  const state = decision === 'approve' ? 'approved' : 'refused';
  if (taken.value.isRepeat || (row.state === state && row.decidedBy === operatorId)) return succeed(row);
  if (row.state !== 'proposed' || row.payloadHash.toString('hex') !== order.payloadHash)
    return fail('held-money-not-open', `The proposal is ${row.state}, or not what was shown.`);
  if (await isOwnMoney(trx, keyRing, row, operatorId))
    return fail('own-approval', 'Nobody decides about his own money.');
  if (decision === 'approve') {
    if (row.proposedBy === operatorId) return fail('own-approval', 'Another person decides.');
    const held = await heldOf(trx, withdrawal, wishOf(row));
    if (!held.ok) return held;
    if (held.value.amount !== BigInt(row.amount))
      return fail('held-money-not-open', 'Another amount is held than was shown.');
  }
  const decided = await trx
    .updateTable('payments.heldMoneyProposal')
    .set({ state, decidedBy: operatorId, decisionReason: reason, decidedAt: sql<Date>`now()` })
    .where('id', '=', proposalId)
    .returningAll()
    .executeTakeFirstOrThrow();
  const type = decision === 'approve' ? 'payments.held-money.approved' : 'payments.held-money.refused';
  await tell(trx, type, decided, withdrawal, { operatorId, reason });
  if (decision === 'refuse') return succeed(decided);
  switch (wishOf(row).decision) {
    case 'keep':
      return succeed(decided);
    case 'pay':
      await takeUp(trx, withdrawal);
      return succeed(decided);
    case 'forfeit': {
      const moved = await forfeit(trx, withdrawal, decided);
      return moved.ok ? succeed(decided) : moved;
    }
  }
}

type Held = { readonly screening: ScreeningRow; readonly amount: Units };

/** The caller holds the withdrawal's lock. Only what rests with a person is decided about: its workflow is not at work. */
async function heldOf(
  trx: Trx,
  row: WithdrawalRow,
  { decision }: Pick<HeldMoneyWish, 'decision'>,
): Promise<Result<Held>> {
  const screening = await confirmedScreening(trx, `withdrawal:${row.id}`);
  if (screening === null || row.state !== 'parked')
    return fail('held-money-not-open', `The withdrawal is ${row.state}, and no confirmed match holds it.`);
  // A payout that was asked for has one key: it is never offered anew by a decision.
  if (decision === 'pay' ? await hasPayouts(trx, row.id) : await hasLivePayout(trx, row.id))
    return fail('held-money-not-open', 'A payout was tried, or may be on its way.');
  const { amount } = await trx
    .selectFrom('payments.withdrawalLeg')
    .select(sql<string>`coalesce(sum(amount), 0)::text`.as('amount'))
    .where('withdrawalId', '=', row.id)
    .where('state', '=', 'planned')
    .executeTakeFirstOrThrow();
  if (BigInt(amount) === 0n) return fail('held-money-not-open', 'Nothing of this withdrawal is held.');
  return succeed({ screening, amount: BigInt(amount) });
}

/** Back to where its checks begin: people are asked as for any other withdrawal. */
async function takeUp(trx: Trx, row: WithdrawalRow): Promise<void> {
  await trx
    .updateTable('payments.withdrawal')
    .set({ state: 'checking', reason: null })
    .where('id', '=', row.id)
    .execute();
  await closeParked(trx, row, 'decided: pay');
}

async function forfeit(trx: Trx, row: WithdrawalRow, proposal: HeldMoneyRow): Promise<Result<null>> {
  const posted = await postTransfer(trx, {
    key: `withdrawal:${row.id}:forfeit`,
    playerId: row.playerId,
    asset: row.asset,
    amount: BigInt(proposal.amount),
    subject: `withdrawal:${row.id}`,
    transfer: { code: 'withdrawal.forfeit', jurisdiction: row.jurisdiction },
  });
  if (!posted.ok) return posted;
  const reason = proposal.reasonCode;
  await trx
    .updateTable('payments.withdrawalLeg')
    .set({ state: 'forfeited', reason, closedAt: sql<Date>`now()` })
    .where('withdrawalId', '=', row.id)
    .where('state', '=', 'planned')
    .execute();
  const { paid } = await trx
    .selectFrom('payments.withdrawalLeg')
    .select(sql<boolean>`bool_or(state in ('paid', 'returned'))`.as('paid'))
    .where('withdrawalId', '=', row.id)
    .executeTakeFirstOrThrow();
  await trx
    .updateTable('payments.withdrawal')
    .set({ state: paid ? 'partly-paid' : 'forfeited', reason, closedAt: sql<Date>`now()` })
    .where('id', '=', row.id)
    .execute();
  await closeParked(trx, row, `forfeited: ${reason}`);
  await appendEvent(
    trx,
    {
      type: 'payments.withdrawal.forfeited',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { withdrawalId: row.id, jurisdiction: row.jurisdiction, money: moneyIn(proposal) },
    },
    {
      actor: { kind: 'operator', id: proposal.decidedBy ?? '' },
      subject: `withdrawal:${row.id}`,
      reason: proposal.note,
    },
  );
  return succeed(null);
}

/** Whoever owns it: the decision is what it waited for. */
const closeParked = (trx: Trx, { id }: WithdrawalRow, resolution: string) =>
  trx
    .updateTable('payments.workItem')
    .set({ closedAt: sql<Date>`now()`, resolution })
    .where('subject', '=', `withdrawal:${id}`)
    .where('kind', '=', 'parked-withdrawal')
    .where('closedAt', 'is', null)
    .execute();

const findProposal = (trx: Trx, id: string): Promise<HeldMoneyRow | undefined> =>
  trx.selectFrom('payments.heldMoneyProposal').selectAll().where('id', '=', id).executeTakeFirst();

const moneyIn = ({ amount, asset }: HeldMoneyRow) => toMoneyText(BigInt(amount), asset);

/** The row's words; the database has no others. */
export function wishOf(row: HeldMoneyRow): HeldMoneyWish {
  const decision = heldMoneyDecisions.find((known) => known === row.decision);
  const reasonCode = heldMoneyReasons.find((known) => known === row.reasonCode);
  if (decision === undefined || reasonCode === undefined)
    throw new Error(`Invariant broken: held money ${row.id} is ${row.decision} for ${row.reasonCode}`);
  return { decision, reasonCode, reference: row.reference };
}

function tell(
  trx: Trx,
  type: 'payments.held-money.proposed' | 'payments.held-money.approved' | 'payments.held-money.refused',
  row: HeldMoneyRow,
  withdrawal: WithdrawalRow,
  { operatorId, reason }: { readonly operatorId: string; readonly reason: string },
): Promise<void> {
  const { decision, reasonCode } = wishOf(row);
  const payload = {
    proposalId: row.id,
    withdrawalId: row.withdrawalId,
    jurisdiction: withdrawal.jurisdiction,
    decision,
    reasonCode,
    money: moneyIn(row),
  };
  return appendEvent(
    trx,
    { type, version: 1, brand: row.brand, playerId: row.playerId, payload },
    { actor: { kind: 'operator', id: operatorId }, subject: `withdrawal:${row.withdrawalId}`, reason },
  );
}
