/** Launches a game for a player: session row first, then the provider is asked for the address. */
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { GameProviders, LaunchRequest } from '../providers.ts';
import { openGameSession, type OpenGameSession } from './game-sessions.ts';

export type Launch = OpenGameSession &
  Pick<LaunchRequest, 'country' | 'language' | 'platform' | 'lobbyUrl' | 'depositUrl' | 'ip'>;

/** Failures of `openGameSession`, and `dependency-unavailable` when the provider does not answer. */
export async function launchGame(
  deps: { readonly db: Database; readonly gameProviders: GameProviders },
  launch: Launch,
): Promise<Result<{ gameSessionId: string; launchUrl: string; token: string }>> {
  const provider = deps.gameProviders.get(launch.integration);
  if (!provider) return fail('unknown-game', 'There is no such game.');
  const session = await openGameSession(deps.db, launch);
  if (!session.ok) return session;
  const { token, gameSessionId } = session.value;
  const launchUrl = await provider.launchUrl({ ...launch, token });
  return launchUrl.ok ? succeed({ gameSessionId, launchUrl: launchUrl.value, token }) : launchUrl;
}
