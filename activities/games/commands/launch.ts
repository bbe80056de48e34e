/** Launches a game for a player: session row first, then the provider is asked for the address. */
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { readPlayerCard } from '../player-card.ts';
import type { GameProviders, LaunchRequest } from '../providers.ts';
import { openGameSession, type OpenGameSession } from './game-sessions.ts';

export type Launch = OpenGameSession &
  Pick<LaunchRequest, 'language' | 'platform' | 'lobbyUrl' | 'depositUrl' | 'ip'>;

type Deps = {
  readonly db: Database;
  readonly keyRing: ActivityDeps['keyRing'];
  readonly gameProviders: GameProviders;
};

/**
 * Failures of `openGameSession`; `unknown-game` also for a game of another brand or one that is closed to the player's
 * country; `dependency-unavailable` and `provider-refused` from the provider.
 */
export async function launchGame(
  deps: Deps,
  launch: Launch,
): Promise<Result<{ gameSessionId: string; launchUrl: string; token: string }>> {
  const offer = await deps.db
    .selectFrom('games.game as g')
    .innerJoin('games.integration as i', 'i.id', 'g.integration')
    .select(['g.blockedCountries', 'i.sharesPersonalData'])
    .where('g.integration', '=', launch.integration)
    .where('g.code', '=', launch.game)
    .where('i.brand', '=', launch.brand)
    .executeTakeFirst();
  const provider = offer ? await deps.gameProviders.get(launch.integration) : undefined;
  if (!offer || !provider) return fail('unknown-game', 'There is no such game.');
  const { playerId, asset } = launch;
  const card = await readPlayerCard(deps, { playerId, asset, shared: offer.sharesPersonalData });
  if (!card.ok) return card;
  const { country, jurisdiction } = card.value;
  if (offer.blockedCountries.includes(country))
    return fail('unknown-game', 'The game is not offered in the player’s country.');
  const session = await openGameSession(deps.db, launch);
  if (!session.ok) return session;
  const { token, gameSessionId } = session.value;
  const launchUrl = await provider.launchUrl({ ...launch, country, jurisdiction, player: card.value, token });
  return launchUrl.ok ? succeed({ gameSessionId, launchUrl: launchUrl.value, token }) : launchUrl;
}
