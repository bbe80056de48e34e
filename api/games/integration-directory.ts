/** Integrations, games, tokens and players that wallet calls name, remembered for moments so that a bet needs no extra read. */
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { findGameSession, type GameSession } from '#activities/games/commands/game-sessions.ts';
import type { Database } from '#db/connect.ts';
import { readPlayRules, type PlayRules } from './game-play-rules.ts';

export const walletDialects = ['hub88', 'caleta', 'a8r-v2', 'a8r-v1'] as const;
export type WalletDialect = (typeof walletDialects)[number];

export type IntegrationGame = {
  readonly enabled: boolean;
  readonly contributionBps: number;
  readonly guardMs: number;
};

export type Integration = {
  readonly id: string;
  readonly brand: string;
  /** What the caller signs with: its public RSA key, or the secret shared with an a8r caller. */
  readonly callerKey: KeyObject;
  readonly balanceOnInsufficientFunds: boolean;
  readonly games: ReadonlyMap<string, IntegrationGame>;
  readonly playRules: PlayRules;
};

/** How long a changed catalogue or key may take to be seen. Revocations do not pass here: the wallet's fence has them. */
const rememberedMs = 5_000;
const sessionsMax = 100_000;
const playersMax = 100_000;

export type IntegrationDirectory = {
  /** The enabled integration of this dialect, or null; also null while it has no key or secret. */
  integration(id: string): Promise<Integration | null>;
  session(integration: string, token: string): Promise<GameSession | null>;
  /** Where a player's wallets are, or null for somebody unknown to the brand. */
  player(brand: string, playerId: string, asset: string): Promise<{ readonly hasAsset: boolean } | null>;
};

/** `sessionsRotate`: tokens of this dialect end before their time, so that each call reads them again. */
export function createIntegrationDirectory(
  db: Database,
  { dialect, sessionsRotate = false }: { readonly dialect: WalletDialect; readonly sessionsRotate?: boolean },
): IntegrationDirectory {
  const integrations = new Map<
    string,
    { readonly value: Promise<Integration | null>; readonly readAtMs: number }
  >();
  // Where tokens do not rotate, rows of sessions never change, so a token once found stays found.
  const sessions = new BoundedMap<GameSession>(sessionsMax);
  // A wallet once opened stays, with its brand.
  const wallets = new BoundedMap<true>(playersMax);
  return {
    integration(id) {
      const known = integrations.get(id);
      if (known && performance.now() - known.readAtMs < rememberedMs) return known.value;
      const value = readIntegration(db, dialect, id);
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
      const known = sessionsRotate ? undefined : sessions.get(key);
      if (known) return known;
      const found = await findGameSession(db, integration, token);
      if (found && !sessionsRotate) sessions.put(key, found);
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
      if (hasAsset) wallets.put(key, true);
      return { hasAsset };
    },
  };
}

async function readIntegration(
  db: Database,
  dialect: WalletDialect,
  id: string,
): Promise<Integration | null> {
  const row = await db
    .selectFrom('games.integration')
    .select(['id', 'brand', 'callerPublicKey', 'callerSecret', 'balanceOnInsufficientFunds'])
    .where('id', '=', id)
    .where('dialect', '=', dialect)
    .where('enabled', '=', true)
    .executeTakeFirst();
  const callerKey = row ? callerKeyOf(dialect, row) : null;
  if (!row || !callerKey) return null;
  const games = await db
    .selectFrom('games.game')
    .select(['code', 'enabled', 'wageringContributionBps', 'guardMs'])
    .where('integration', '=', id)
    .execute();
  return {
    id: row.id,
    brand: row.brand,
    callerKey,
    balanceOnInsufficientFunds: row.balanceOnInsufficientFunds,
    playRules: await readPlayRules(db, id),
    games: new Map(
      games.map((game) => [
        game.code,
        { enabled: game.enabled, contributionBps: game.wageringContributionBps, guardMs: game.guardMs },
      ]),
    ),
  };
}

type Credentials = { readonly callerPublicKey: string | null; readonly callerSecret: string | null };

function callerKeyOf(dialect: WalletDialect, row: Credentials): KeyObject | null {
  switch (dialect) {
    case 'hub88':
    case 'caleta':
      return row.callerPublicKey === null ? null : createPublicKey(row.callerPublicKey);
    case 'a8r-v2':
    case 'a8r-v1':
      return row.callerSecret === null ? null : createSecretKey(Buffer.from(row.callerSecret, 'utf8'));
  }
}

/** Forgets its oldest entry when it is full. */
class BoundedMap<T> {
  readonly #entries = new Map<string, T>();
  readonly #sizeMax: number;
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }
  get(key: string): T | undefined {
    return this.#entries.get(key);
  }
  put(key: string, value: T): void {
    if (this.#entries.size >= this.#sizeMax) this.#entries.delete(this.#entries.keys().next().value ?? '');
    this.#entries.set(key, value);
  }
}
