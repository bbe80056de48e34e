/** What the `bonusAward` workflow does at the end of an award: convert what was wagered, forfeit what was not. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';

export type AwardStanding = {
  readonly state: 'active' | 'converted' | 'forfeited';
  /** True when all of it has been staked. */
  readonly wagered: boolean;
  /** Milliseconds until expiry by the database's clock; zero or less once it is over. */
  readonly remainingMs: number;
};

export function createAwardActivities(deps: Pick<ActivityDeps, 'db'>) {
  const { db } = deps;

  async function end(
    awardId: string,
    state: 'converted' | 'forfeited',
    reason: string,
  ): Promise<AwardStanding['state']> {
    return db.transaction().execute(async (trx) => {
      const award = await lockAward(trx, awardId);
      if (award.state !== 'active') return award.state as AwardStanding['state'];
      const { playerId, asset, brand } = award;
      const code = state === 'converted' ? 'bonus.convert' : 'bonus.forfeit';
      const left = await bonusOf(trx, playerId, asset);
      orThrow(
        await postTransfer(trx, {
          key: `award:${awardId}:${code}`,
          playerId,
          asset,
          amount: 0n,
          subject: `bonus:${awardId}`,
          transfer: { code, awardId },
        }),
      );
      await trx
        .updateTable('bonus.award')
        .set({ state, endedAt: sql`now()` })
        .where('id', '=', awardId)
        .execute();
      const money = toMoneyText(left, asset);
      const deed = {
        actor: { kind: 'workflow', id: `bonus:${awardId}` },
        subject: `bonus:${awardId}`,
      } as const;
      const fact = { version: 1, brand, playerId } as const;
      if (state === 'converted') {
        await appendEvent(trx, { ...fact, type: 'bonus.award.converted', payload: { awardId, money } }, deed);
      } else {
        await appendEvent(
          trx,
          { ...fact, type: 'bonus.award.forfeited', payload: { awardId, money, reason } },
          deed,
        );
      }
      return state;
    });
  }

  return {
    async readAward({ awardId }: { awardId: string }): Promise<AwardStanding> {
      const row = await db
        .selectFrom('bonus.award as a')
        .leftJoin('wallet.playerWallet as w', (join) =>
          join.onRef('w.playerId', '=', 'a.playerId').onRef('w.awardId', '=', 'a.id'),
        )
        .select([
          'a.state',
          'w.awardWageringLeft',
          sql<string>`extract(epoch from a.expires_at - now())::text`.as('remainingS'),
        ])
        .where('a.id', '=', awardId)
        .executeTakeFirst();
      if (!row) throw new FailureError(fail('not-found', 'There is no such award.').failure);
      return {
        state: row.state as AwardStanding['state'],
        wagered: row.awardWageringLeft !== null && BigInt(row.awardWageringLeft) === 0n,
        remainingMs: Math.ceil(Number(row.remainingS) * 1_000),
      };
    },
    async convertAward({ awardId }: { awardId: string }) {
      return end(awardId, 'converted', 'wagered');
    },
    async forfeitAward({ awardId, reason }: { awardId: string; reason: string }) {
      return end(awardId, 'forfeited', reason);
    },
  };
}

async function lockAward(trx: Trx, awardId: string) {
  const award = await trx
    .selectFrom('bonus.award')
    .selectAll()
    .where('id', '=', awardId)
    .forUpdate()
    .executeTakeFirst();
  if (!award) throw new FailureError(fail('not-found', 'There is no such award.').failure);
  return award;
}

/** The wallet row is locked first, so that the amount named in the fact is the amount that the journal moves. */
async function bonusOf(trx: Trx, playerId: string, asset: string): Promise<bigint> {
  const wallet = await trx
    .selectFrom('wallet.playerWallet')
    .select('bonus')
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return BigInt(wallet.bonus);
}
