/** Where a round can be watched again, for the player who played it and for staff. */
import type { Database } from '#db/connect.ts';
import { fail, type Result } from '#domain/failures.ts';
import type { GameProviders } from '../providers.ts';

export type RoundToReplay = {
  readonly integration: string;
  readonly roundRef: string;
  readonly playerId: string;
};

/** The brand of a round that exists, to be checked against who asks; null for one that does not. */
export async function findRoundBrand(db: Database, round: RoundToReplay): Promise<string | null> {
  const row = await db
    .selectFrom('games.round as r')
    .innerJoin('wallet.playerWallet as w', (join) =>
      join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
    )
    .select('w.brand')
    .where('r.integration', '=', round.integration)
    .where('r.roundRef', '=', round.roundRef)
    .where('r.playerId', '=', round.playerId)
    .executeTakeFirst();
  return row?.brand ?? null;
}

/** Failures: `provider-lacks-feature`, `not-found` when the provider does not know the round, and those of the provider. */
export async function replayRound(
  gameProviders: GameProviders,
  round: RoundToReplay,
): Promise<Result<string>> {
  const provider = await gameProviders.get(round.integration);
  if (!provider?.replayUrl) return fail('provider-lacks-feature', 'The provider shows no replays.');
  const url = await provider.replayUrl(round);
  return !url.ok && url.failure.code === 'transaction-not-found'
    ? fail('not-found', 'The provider does not know this round.')
    : url;
}
