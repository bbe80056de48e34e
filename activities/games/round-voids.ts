/** Proposals to void a round: their rows, whether the round is still what was seen, and their facts. */
import { sql, type Selectable } from 'kysely';
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { GamesRoundVoidProposal } from '#db/schema.generated.ts';
import { openRoundVoidStates, type roundVoidOutcomes } from '#domain/games/round-voids.ts';
import { toMoneyText } from '#domain/money.ts';
import { openingOf, roundSubject, standingStakes, type RoundKey, type RoundRow } from './round-rows.ts';

export type RoundVoidRow = Selectable<GamesRoundVoidProposal>;

export const findRoundVoid = (trx: Trx, id: string): Promise<RoundVoidRow | undefined> =>
  trx.selectFrom('games.roundVoidProposal').selectAll().where('id', '=', id).executeTakeFirst();

/** Taken after the round's lock, by everybody. */
export const lockRoundVoid = (trx: Trx, id: string): Promise<RoundVoidRow | undefined> =>
  trx.selectFrom('games.roundVoidProposal').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

/** The one proposal about the round that still waits for something. */
export const findOpenRoundVoid = (
  trx: Trx,
  { integration, roundRef, playerId }: RoundKey,
): Promise<RoundVoidRow | undefined> =>
  trx
    .selectFrom('games.roundVoidProposal')
    .selectAll()
    .where('integration', '=', integration)
    .where('roundRef', '=', roundRef)
    .where('playerId', '=', playerId)
    .where('state', 'in', [...openRoundVoidStates])
    .executeTakeFirst();

/** The round is a person's, took no call since, and the same stakes stand. The caller holds its lock. */
export async function isAsSeen(trx: Trx, round: RoundRow, row: RoundVoidRow): Promise<boolean> {
  if (round.state !== 'manual' || round.version !== row.roundVersion || openingOf(round) !== row.opening)
    return false;
  const stakes = await standingStakes(trx, row);
  return (
    stakes.length === row.stakes.length &&
    stakes.every(({ externalId }, index) => externalId === row.stakes[index])
  );
}

/** The round has moved: what two people saw is not there any more, and this proposal voids nothing. */
export async function markStale(trx: Trx, { id }: RoundVoidRow, actor: Deed['actor']): Promise<RoundVoidRow> {
  const stale = await trx
    .updateTable('games.roundVoidProposal')
    .set({ state: 'stale' })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tellDecided(trx, stale, 'stale', { actor, reason: 'The round has moved since it was seen.' });
  return stale;
}

/** After the round is void, in the same transaction. */
export async function markCarriedOut(trx: Trx, { id }: RoundVoidRow): Promise<void> {
  await trx
    .updateTable('games.roundVoidProposal')
    .set({ state: 'carried-out', carriedOutAt: sql<Date>`now()` })
    .where('id', '=', id)
    .execute();
}

type Word = Pick<Deed, 'actor' | 'reason'>;

export const tellProposed = (trx: Trx, row: RoundVoidRow, word: Word): Promise<void> =>
  appendEvent(
    trx,
    { type: 'games.round-void.proposed', version: 1, ...ownersOf(row), payload: factsOf(row) },
    { ...word, subject: roundSubject(row) },
  );

export const tellDecided = (
  trx: Trx,
  row: RoundVoidRow,
  outcome: (typeof roundVoidOutcomes)[number],
  word: Word,
): Promise<void> =>
  appendEvent(
    trx,
    { type: 'games.round-void.decided', version: 1, ...ownersOf(row), payload: { ...factsOf(row), outcome } },
    { ...word, subject: roundSubject(row) },
  );

const ownersOf = ({ brand, playerId }: RoundVoidRow) => ({ brand, playerId });

const factsOf = (row: RoundVoidRow) => ({
  proposalId: row.id,
  integration: row.integration,
  round: row.roundRef,
  playerId: row.playerId,
  money: toMoneyText(BigInt(row.amount), row.asset),
  stakes: row.stakes.length,
});
