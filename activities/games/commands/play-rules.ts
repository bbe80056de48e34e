/** Sets what stakes of a game must obey, and the largest stake of one player; each with the record of who did it and why. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import { setStakeMax } from '#activities/wallet/player-wallet.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import type { JackpotShare } from '#domain/wallet/jackpots.ts';
import type { StakeCap } from '#domain/wallet/stake-caps.ts';

type Decided = { readonly operatorId: string; readonly reason: string };

export type SetPlayRules = Decided & {
  readonly integration: string;
  readonly game: string;
  readonly brand: string;
  readonly stakeCaps: readonly StakeCap[];
  readonly jackpot: JackpotShare | null;
};

/** Replaces the rules of a game; every process sees them within seconds. Failure: `unknown-game`. */
export async function setPlayRules(db: Database, rules: SetPlayRules): Promise<Result<null>> {
  const { integration, game, stakeCaps, jackpot } = rules;
  return db.transaction().execute(async (trx) => {
    const found = await trx
      .updateTable('games.game')
      .set({ jackpotPool: jackpot?.pool ?? null, jackpotContributionBps: jackpot?.contributionBps ?? 0 })
      .where('integration', '=', integration)
      .where('code', '=', game)
      .returning('code')
      .executeTakeFirst();
    if (!found) return fail('unknown-game', 'There is no such game.');
    await trx
      .deleteFrom('games.stakeCap')
      .where('integration', '=', integration)
      .where('gameCode', '=', game)
      .execute();
    if (stakeCaps.length > 0) {
      await trx
        .insertInto('games.stakeCap')
        .values(
          stakeCaps.map(({ asset, amount, jurisdiction }) => ({
            integration,
            gameCode: game,
            asset,
            amount: amount.toString(),
            jurisdiction: jurisdiction ?? '*',
          })),
        )
        .execute();
    }
    await appendEvent(
      trx,
      {
        type: 'games.play-rules.set',
        version: 1,
        brand: rules.brand,
        playerId: null,
        payload: {
          integration,
          game,
          jackpot,
          stakeCaps: stakeCaps.map(({ asset, amount, jurisdiction }) => ({
            money: toMoneyText(amount, asset),
            jurisdiction,
          })),
        },
      },
      {
        actor: { kind: 'operator', id: rules.operatorId },
        subject: `game:${integration}:${game}`,
        reason: rules.reason,
      },
    );
    return succeed(null);
  });
}

export type SetStakeCap = Decided & {
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  /** Null lifts it. */
  readonly amount: bigint | null;
};

/** From its commit on no larger stake of the player is admitted: the wallet's version fences it. */
export async function setPlayerStakeCap(db: Database, cap: SetStakeCap): Promise<void> {
  const { playerId, asset, amount } = cap;
  await db.transaction().execute(async (trx) => {
    await setStakeMax(trx, playerId, asset, amount);
    await appendEvent(
      trx,
      {
        type: 'games.stake-cap.set',
        version: 1,
        brand: cap.brand,
        playerId,
        payload: { asset, money: amount === null ? null : toMoneyText(amount, asset) },
      },
      { actor: { kind: 'operator', id: cap.operatorId }, subject: `player:${playerId}`, reason: cap.reason },
    );
  });
}
