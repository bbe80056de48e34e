/** Integrations, games, tokens and players that wallet calls name, remembered for moments so that a bet needs no extra read. */
import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { readCallerKeys, type OpenedKeys } from '#activities/games/commands/caller-keys.ts';
import { findGameSession, type GameSession } from '#activities/games/commands/game-sessions.ts';
import { traitsOf, type WalletDialect } from '#domain/games/dialects.ts';
import type { ApiDeps } from '../context.ts';
import { networksOf, type Networks } from '../networks.ts';
import { readPlayRules, type PlayRules } from './game-play-rules.ts';

type Deps = Pick<ApiDeps, 'db' | 'keyRing'>;

export type IntegrationGame = {
  readonly enabled: boolean;
  readonly contributionBps: number;
  readonly guardMs: number;
};

export type Integration = {
  readonly id: string;
  readonly brand: string;
  /** What the caller may sign with, newest first: public RSA keys, or secrets shared with an a8r caller. */
  readonly callerKeys: readonly KeyObject[];
  /** Where its calls may come from. */
  readonly callerNetworks: Networks;
  /** Tokens end before their time, so that each call reads them again. */
  readonly tokensRotate: boolean;
  readonly balanceOnInsufficientFunds: boolean;
  readonly games: ReadonlyMap<string, IntegrationGame>;
  readonly playRules: PlayRules;
};

/** How long a changed catalogue or key may take to be seen. Revocations do not pass here: the wallet's fence has them. */
const rememberedMs = 5_000;
const sessionsMax = 100_000;
const playersMax = 100_000;

export type IntegrationDirectory = {
  /** The integration of this dialect, or null; also null while it has no key or secret in force. */
  integration(id: string): Promise<Integration | null>;
  /** The session of a token; `integration` has been asked for before. */
  session(integration: string, token: string): Promise<GameSession | null>;
  /** Where a player's wallets are, or null for somebody unknown to the brand. */
  player(brand: string, playerId: string, asset: string): Promise<{ readonly hasAsset: boolean } | null>;
};

export function createIntegrationDirectory(deps: Deps, dialect: WalletDialect): IntegrationDirectory {
  const { db } = deps;
  const opened: OpenedKeys = new Map();
  // Integrations whose tokens do not rotate: rows of their sessions never change, so a token once found stays found.
  const steady = new Set<string>();
  const integrations = new Map<
    string,
    { readonly value: Promise<Integration | null>; readonly readAtMs: number }
  >();
  const sessions = new LRUCache<string, GameSession>({ max: sessionsMax });
  // A wallet once opened stays, with its brand.
  const wallets = new LRUCache<string, true>({ max: playersMax });
  return {
    integration(id) {
      const known = integrations.get(id);
      if (known && performance.now() - known.readAtMs < rememberedMs) return known.value;
      const value = readIntegration(deps, dialect, id, opened).then((found) => {
        if (found && !found.tokensRotate) steady.add(id);
        else steady.delete(id);
        return found;
      });
      integrations.set(id, { value, readAtMs: performance.now() });
      value.then(
        // Names that nobody has are not kept, or a stranger could fill the memory with them.
        (found) => found ?? integrations.delete(id),
        () => integrations.delete(id),
      );
      return value;
    },
    async session(integration, token) {
      const key = `${integration}\n${token}`;
      const known = steady.has(integration) ? sessions.get(key) : undefined;
      if (known) return known;
      const found = await findGameSession(db, integration, token);
      if (found && steady.has(integration)) sessions.set(key, found);
      return found;
    },
    async player(brand, playerId, asset) {
      const key = `${brand}\n${playerId}\n${asset}`;
      if (wallets.get(key)) return { hasAsset: true };
      const rows = await db
        .selectFrom('wallet.playerWallet')
        .select('asset')
        .where('playerId', '=', playerId)
        .where('brand', '=', brand)
        .execute();
      if (rows.length === 0) return null;
      const hasAsset = rows.some((row) => row.asset === asset);
      if (hasAsset) wallets.set(key, true);
      return { hasAsset };
    },
  };
}

async function readIntegration(
  deps: Deps,
  dialect: WalletDialect,
  id: string,
  opened: OpenedKeys,
): Promise<Integration | null> {
  const row = await deps.db
    .selectFrom('games.integration')
    .select(['id', 'brand', 'balanceOnInsufficientFunds', 'callerNetworks', 'tokensRotate', 'enabled'])
    .where('id', '=', id)
    .where('dialect', '=', dialect)
    .executeTakeFirst();
  if (!row) return null;
  const callerKeys = await readCallerKeys(deps, id, dialect, opened);
  if (callerKeys.length === 0) return null;
  const games = await deps.db
    .selectFrom('games.game')
    .select(['code', 'playable', 'wageringContributionBps', 'guardMs'])
    .where('integration', '=', id)
    .execute();
  return {
    id: row.id,
    brand: row.brand,
    callerKeys,
    callerNetworks: networksOf(row.callerNetworks),
    tokensRotate: traitsOf(dialect).tokensRotate && row.tokensRotate,
    balanceOnInsufficientFunds: row.balanceOnInsufficientFunds,
    playRules: await readPlayRules(deps.db, id),
    games: new Map(
      games.map((game) => [
        game.code,
        {
          // What was staked before an integration was switched off still settles: only its games are closed.
          enabled: row.enabled && (game.playable ?? false),
          contributionBps: game.wageringContributionBps,
          guardMs: game.guardMs,
        },
      ]),
    ),
  };
}
