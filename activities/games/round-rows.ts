/** Rows of rounds: read and locked in the order of the wallet's own statement, and ended with their fact. */
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';

export type RoundKey = { readonly integration: string; readonly roundRef: string; readonly playerId: string };

export type RoundState = 'open' | 'settled' | 'void' | 'manual';

export const selectRound = (db: Database | Trx, round: RoundKey) =>
  db
    .selectFrom('games.round as r')
    .innerJoin('wallet.playerWallet as w', (join) =>
      join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
    )
    .select(['r.state', 'r.asset', 'r.gameCode', 'r.openings', 'r.version', 'w.brand'])
    .where('r.integration', '=', round.integration)
    .where('r.roundRef', '=', round.roundRef)
    .where('r.playerId', '=', round.playerId);

export type RoundRow = Awaited<ReturnType<typeof lockRound>>;

/**
 * Wallet first and round second, in the order of the batch statement. The round is read again by a statement of its own:
 * one that has waited for the wallet would still see the round as it was before.
 */
export async function lockRound(trx: Trx, round: RoundKey) {
  await selectRound(trx, round).forUpdate('w').executeTakeFirstOrThrow();
  return selectRound(trx, round).forUpdate('r').executeTakeFirstOrThrow();
}

/** A round that no stake has left open counts as opened once: it, too, can have a workflow. */
export const openingOf = ({ openings }: Pick<RoundRow, 'openings'>): number => Math.max(openings, 1);

/** Bets of the round that nothing has undone, oldest first. The caller holds the round's lock. */
export const standingStakes = (trx: Trx, round: RoundKey) =>
  trx
    .selectFrom('wallet.journal as j')
    .select(['j.externalId', 'j.amount'])
    .where('j.integration', '=', round.integration)
    .where('j.roundRef', '=', round.roundRef)
    .where('j.playerId', '=', round.playerId)
    .where('j.code', '=', 'bet.place')
    .where((eb) =>
      eb.not(
        eb.exists(eb.selectFrom('wallet.journal as r').select('r.id').whereRef('r.reverses', '=', 'j.id')),
      ),
    )
    .orderBy('j.id')
    .execute();

/** Two people's word, where the round ends by one. */
export type DecidedBy = {
  readonly proposalId: string;
  readonly operatorId: string;
  readonly reason: string;
};

export async function endRound(
  trx: Trx,
  round: RoundKey,
  brand: string,
  outcome: 'settled' | 'void' | 'manual',
  by: DecidedBy | null = null,
): Promise<void> {
  await trx
    .updateTable('games.round')
    .set((eb) => ({
      state: outcome,
      closedAt: outcome === 'manual' ? null : eb.fn<Date>('now', []),
      version: eb('version', '+', 1),
    }))
    .where('integration', '=', round.integration)
    .where('roundRef', '=', round.roundRef)
    .where('playerId', '=', round.playerId)
    .execute();
  const { integration, roundRef, playerId } = round;
  const subject = roundSubject(round);
  const deed: Deed = by
    ? { actor: { kind: 'operator', id: by.operatorId }, subject, reason: by.reason }
    : { actor: { kind: 'workflow', id: subject }, subject };
  const payload = { integration, round: roundRef, playerId, outcome };
  await appendEvent(
    trx,
    {
      type: 'games.round.resolved',
      version: 1,
      brand,
      playerId,
      payload: by ? { ...payload, proposalId: by.proposalId } : payload,
    },
    deed,
  );
}

export const roundSubject = ({ integration, roundRef }: Pick<RoundKey, 'integration' | 'roundRef'>) =>
  `round:${integration}:${roundRef}`;
