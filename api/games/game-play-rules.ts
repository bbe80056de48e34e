/** What the operator decides about stakes of a game: its caps and the jackpot pool that it feeds, read with the catalogue. */
import type { Database } from '#db/connect.ts';
import type { JackpotShare } from '#domain/wallet/jackpots.ts';
import type { StakeCap } from '#domain/wallet/stake-caps.ts';

export type GamePlayRules = {
  readonly stakeCaps: readonly StakeCap[];
  readonly jackpotShare: JackpotShare | null;
};

/** By game code. Games without rules of their own, which is most of them, are not in the map. */
export type PlayRules = ReadonlyMap<string, GamePlayRules>;

/** Rules of all games of an integration. */
export async function readPlayRules(db: Database, integration: string): Promise<PlayRules> {
  const [caps, shares] = await Promise.all([
    db
      .selectFrom('games.stakeCap')
      .select(['gameCode', 'asset', 'jurisdiction', 'amount'])
      .where('integration', '=', integration)
      .execute(),
    db
      .selectFrom('games.game')
      .select(['code', 'jackpotPool', 'jackpotContributionBps'])
      .where('integration', '=', integration)
      .where('jackpotPool', 'is not', null)
      .execute(),
  ]);
  const rules = new Map<string, { stakeCaps: StakeCap[]; jackpotShare: JackpotShare | null }>();
  const rulesOf = (code: string) => {
    const known = rules.get(code) ?? { stakeCaps: [], jackpotShare: null };
    rules.set(code, known);
    return known;
  };
  for (const cap of caps) {
    const { asset, jurisdiction, amount } = cap;
    rulesOf(cap.gameCode).stakeCaps.push({
      asset,
      amount: BigInt(amount),
      jurisdiction: jurisdiction === '*' ? null : jurisdiction,
    });
  }
  for (const { code, jackpotPool: pool, jackpotContributionBps: contributionBps } of shares)
    if (pool !== null) rulesOf(code).jackpotShare = { pool, contributionBps };
  return rules;
}

/** The part of a bet command that a game's rules decide; nothing for a game without rules. */
export const stakeRulesOf = (rules: PlayRules, game: string) => {
  const own = rules.get(game);
  return own ? { stakeCaps: own.stakeCaps, jackpotShare: own.jackpotShare } : {};
};

/** The pool of ours that pays the jackpot part of the game's wins; null where the jackpot is the provider's. */
export const poolOf = (rules: PlayRules, game: string): string | null =>
  rules.get(game)?.jackpotShare?.pool ?? null;
