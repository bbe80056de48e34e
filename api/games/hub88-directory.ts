/** Integrations, games and tokens that wallet calls name, remembered for moments so that a bet needs no extra read. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { findGameSession, type GameSession } from '#activities/games/commands/game-sessions.ts';
import type { Database } from '#db/connect.ts';

export type Integration = {
  readonly id: string;
  readonly callerKey: KeyObject;
  readonly balanceOnInsufficientFunds: boolean;
  readonly games: ReadonlyMap<string, { readonly enabled: boolean; readonly contributionBps: number; readonly guardMs: number }>;
};

/** How long a changed catalogue or key may take to be seen. Revocations do not pass here: the wallet's fence has them. */
const rememberedMs = 5_000;
const sessionsMax = 100_000;

export type Hub88Directory = {
  integration(id: string): Promise<Integration | null>;
  session(integration: string, token: string): Promise<GameSession | null>;
};

export function createHub88Directory(db: Database): Hub88Directory {
  const integrations = new Map<string, { readonly value: Promise<Integration | null>; readonly readAtMs: number }>();
  // Rows of sessions never change, so a token once found stays found.
  const sessions = new Map<string, GameSession>();
  return {
    integration(id) {
      const known = integrations.get(id);
      if (known && performance.now() - known.readAtMs < rememberedMs) return known.value;
      const value = readIntegration(db, id);
      integrations.set(id, { value, readAtMs: performance.now() });
      value.catch(() => integrations.delete(id));
      return value;
    },
    async session(integration, token) {
      const key = `${integration}\n${token}`;
      const known = sessions.get(key);
      if (known) return known;
      const found = await findGameSession(db, integration, token);
      if (found) {
        if (sessions.size >= sessionsMax) sessions.delete(sessions.keys().next().value ?? '');
        sessions.set(key, found);
      }
      return found;
    },
  };
}

async function readIntegration(db: Database, id: string): Promise<Integration | null> {
  const row = await db
    .selectFrom('games.integration')
    .select(['id', 'callerPublicKey', 'balanceOnInsufficientFunds'])
    .where('id', '=', id)
    .where('dialect', '=', 'hub88')
    .where('enabled', '=', true)
    .executeTakeFirst();
  if (!row?.callerPublicKey) return null;
  const games = await db
    .selectFrom('games.game')
    .select(['code', 'enabled', 'wageringContributionBps', 'guardMs'])
    .where('integration', '=', id)
    .execute();
  return {
    id: row.id,
    callerKey: createPublicKey(row.callerPublicKey),
    balanceOnInsufficientFunds: row.balanceOnInsufficientFunds,
    games: new Map(
      games.map((game) => [
        game.code,
        { enabled: game.enabled, contributionBps: game.wageringContributionBps, guardMs: game.guardMs },
      ]),
    ),
  };
}
