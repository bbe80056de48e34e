/** The providers that this deployment can call: each row of `games.integration` with the adapter of its dialect. */
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database } from '#db/connect.ts';
import { isWalletDialect, type WalletDialect } from '#domain/games/dialects.ts';
import { createA8rV1Provider } from './a8r-play-adapter.ts';
import { createA8rV2Provider } from './a8r-twirp-adapter.ts';
import { readSigningKey } from './commands/caller-keys.ts';
import { createCaletaProvider, createHub88Provider } from './hub88-adapter.ts';
import type { ProviderAccess } from './provider-access.ts';
import type { GameProvider, GameProviders } from './providers.ts';

/** How each dialect is spoken by us; the doors for what it says to us are in `api/games/dialect-doors.ts`. */
const adapters: Readonly<Record<WalletDialect, (access: ProviderAccess) => GameProvider>> = {
  hub88: createHub88Provider,
  caleta: createCaletaProvider,
  'a8r-v2': createA8rV2Provider,
  'a8r-v1': createA8rV1Provider,
};

/**
 * Read anew for every call: launches are rare beside bets, and a key or address that changed holds at once. Also of
 * integrations that are disabled, because their open rounds still have to be asked about.
 */
export function createGameProviders(deps: {
  readonly db: Database;
  readonly keyRing: ActivityDeps['keyRing'];
}): GameProviders {
  return {
    async get(integration) {
      const row = await deps.db
        .selectFrom('games.integration')
        .select(['dialect', 'baseUrl', 'operatorId', 'subPartnerId', 'catalogueUrl'])
        .where('id', '=', integration)
        .executeTakeFirst();
      if (!row || !isWalletDialect(row.dialect)) return undefined;
      const signingKey = await readSigningKey(deps, integration, row.dialect);
      if (!signingKey) return undefined;
      return adapters[row.dialect]({ ...row, baseUrl: row.baseUrl.replace(/\/+$/, ''), signingKey });
    },
  };
}
