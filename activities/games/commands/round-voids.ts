/** Voids of rounds by hand: one person proposes to give the stakes back, another one decides on exactly that. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { takeKey, type ActKey } from '#activities/compliance/commands/keyed-acts.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { isOwnMoney } from '#activities/payments/approver-standing.ts';
import type { Trx } from '#db/connect.ts';
import { mayDecideAdjustment } from '#domain/backoffice/roles.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { roundVoidContent } from '#domain/games/round-voids.ts';
import { lockRound, openingOf, standingStakes, type RoundKey } from '../round-rows.ts';
import {
  findOpenRoundVoid,
  findRoundVoid,
  isAsSeen,
  lockRoundVoid,
  markStale,
  tellDecided,
  tellProposed,
  type RoundVoidRow,
} from '../round-voids.ts';

type BlindIndex = Pick<ActivityDeps['keyRing'], 'blindIndex'>;

export type ProposeRoundVoid = RoundKey & {
  /** Made from the operator and the idempotency key. */
  readonly proposalId: string;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/**
 * Writes down the round as it is now with the stakes that would go back, or finds the proposal that the key made before;
 * nothing moves. Of an open proposal whose round has moved it makes a stale one. Failures: `idempotency-key-reused`,
 * `own-approval` (one's own money), `round-void-not-open` (the round waits for nobody), `round-void-pending`.
 */
export async function proposeRoundVoid(
  trx: Trx,
  keyRing: BlindIndex,
  order: ProposeRoundVoid,
): Promise<Result<RoundVoidRow>> {
  const { proposalId: id, integration, roundRef, playerId, reason, operatorId, fingerprint } = order;
  const round = await lockRound(trx, order);
  const known = await findRoundVoid(trx, id);
  if (known !== undefined) return asKeyed(known, order);
  if (await isOwnMoney(trx, keyRing, order, operatorId))
    return fail('own-approval', 'Nobody decides about his own money.');
  if (round.state !== 'manual') return fail('round-void-not-open', 'The round does not wait for a person.');
  const open = await findOpenRoundVoid(trx, order);
  if (open !== undefined) {
    if (await isAsSeen(trx, round, open)) return pending;
    await markStale(trx, open, { kind: 'operator', id: operatorId });
  }
  const standing = await standingStakes(trx, order);
  const seen = {
    id,
    integration,
    roundRef,
    playerId,
    asset: round.asset,
    roundVersion: round.version,
    opening: openingOf(round),
    stakes: standing.map(({ externalId }) => externalId),
    reason,
  };
  const amount = standing.reduce((sum, stake) => sum + BigInt(stake.amount), 0n);
  const row = await trx
    .insertInto('games.roundVoidProposal')
    .values({
      ...seen,
      brand: round.brand,
      amount: amount.toString(),
      contentHash: createHash('sha256')
        .update(roundVoidContent({ ...seen, amount }))
        .digest(),
      fingerprint,
      proposedBy: operatorId,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) {
    // The key was used at the same time for a round of another player, whose lock is not this one.
    const other = await findRoundVoid(trx, id);
    return other === undefined ? pending : asKeyed(other, order);
  }
  await tellProposed(trx, row, { actor: { kind: 'operator', id: operatorId }, reason });
  return succeed(row);
}

const pending = fail('round-void-pending', 'Another proposal to void this round waits.');

const asKeyed = (row: RoundVoidRow, { fingerprint }: ProposeRoundVoid): Result<RoundVoidRow> =>
  row.fingerprint.equals(fingerprint)
    ? succeed(row)
    : fail('idempotency-key-reused', 'This key was used for another proposal.');

export type DecideRoundVoid = {
  readonly proposalId: string;
  readonly decision: 'approve' | 'reject';
  /** Hex, as the proposal was shown. */
  readonly contentHash: string;
  readonly note: string | null;
  readonly operatorId: string;
  /** Held at this moment; they say up to what size. */
  readonly roles: readonly string[];
  readonly key: ActKey;
};

/**
 * Decides once; money moves later, when the round's workflow is told. A repeat with the key, or of the same word by the same
 * person, answers with the row as it is, and so does another person's approval of what is approved and not carried out: it
 * decides nothing, and nobody has to wait for the one who was cut off. Where the round has moved, the row that comes back is `stale` and nobody has
 * decided. Whoever proposed may reject, which takes it back. Failures: `not-found`, `idempotency-key-reused`,
 * `own-approval`, `already-decided`, `round-void-not-open` (it is not what was shown), `version-outdated`, `forbidden`
 * (above the band).
 */
export async function decideRoundVoid(
  trx: Trx,
  keyRing: BlindIndex,
  order: DecideRoundVoid,
): Promise<Result<RoundVoidRow>> {
  const { proposalId, decision, operatorId, roles } = order;
  const taken = await takeKey(trx, order.key);
  if (!taken.ok) return taken;
  const shown = await findRoundVoid(trx, proposalId);
  if (shown === undefined) return fail('not-found', 'There is no such proposal.');
  const round = await lockRound(trx, shown);
  const row = (await lockRoundVoid(trx, proposalId)) ?? shown;
  if (taken.value.isRepeat || (row.decidedBy === operatorId && wordOf(row) === decision)) return succeed(row);
  if (await isOwnMoney(trx, keyRing, row, operatorId))
    return fail('own-approval', 'Nobody decides about his own money.');
  if (decision === 'approve' && row.proposedBy === operatorId)
    return fail('own-approval', 'Another person decides.');
  if (row.state === 'stale') return outdated;
  if (row.contentHash.toString('hex') !== order.contentHash)
    return fail('round-void-not-open', 'The proposal is not what the decision names.');
  if (row.state === 'approved' && decision === 'approve') return succeed(row);
  if (row.state !== 'proposed') return fail('already-decided', `The proposal is ${row.state}.`);
  const actor = { kind: 'operator', id: operatorId } as const;
  if (decision === 'approve') {
    if (!mayDecideAdjustment(roles, row.asset, BigInt(row.amount)))
      return fail('forbidden', 'This amount is above what your roles decide on.');
    if (!(await isAsSeen(trx, round, row))) return succeed(await markStale(trx, row, actor));
  }
  const state = decision === 'approve' ? 'approved' : 'rejected';
  const decided = await trx
    .updateTable('games.roundVoidProposal')
    .set({
      state,
      decidedBy: operatorId,
      decidedRoles: [...roles],
      decidedHash: Buffer.from(order.contentHash, 'hex'),
      decisionNote: order.note,
      decidedAt: sql<Date>`now()`,
    })
    .where('id', '=', proposalId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tellDecided(trx, decided, state, { actor, reason: order.note ?? decided.reason });
  return succeed(decided);
}

export const outdated = fail(
  'version-outdated',
  'The round has moved since it was seen: look at it again and propose anew.',
);

/** What was said of it by whoever decided: an approval may have become stale since. */
const wordOf = ({ state }: RoundVoidRow): DecideRoundVoid['decision'] =>
  state === 'rejected' ? 'reject' : 'approve';

/** After the workflow was told: an approval that it did not carry out is stale where the round has moved. */
export async function settleRoundVoid(trx: Trx, proposalId: string): Promise<RoundVoidRow> {
  const shown = await findRoundVoid(trx, proposalId);
  if (shown === undefined) throw new Error(`Invariant broken: the void ${proposalId} was just there`);
  const round = await lockRound(trx, shown);
  const row = (await lockRoundVoid(trx, proposalId)) ?? shown;
  if (row.state !== 'approved' || (await isAsSeen(trx, round, row))) return row;
  return markStale(trx, row, { kind: 'operator', id: row.decidedBy ?? '' });
}
