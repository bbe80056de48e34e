/** Grants an award: its row, the journal that funds it and the facts, in one transaction. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import { executeOn, postTransfer } from '#activities/wallet/post.ts';
import { readClockMs } from '#activities/wallet/wallet-memory.ts';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { wageringOf, type AwardTerms } from '#domain/bonus/terms.ts';

export type GrantAward = AwardTerms & {
  readonly awardId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  readonly operatorId: string;
  readonly reason: string;
  readonly fingerprint: Buffer;
};

export type GrantedAward = { readonly awardId: string; readonly expiresAt: Date };

/**
 * Failures: `award-active`, `wallet-not-found`, `invalid-request`, `idempotency-key-reused`; `self-excluded` and
 * `player-blocked` for who may not play: nobody is lured back.
 */
export async function grantAward(db: Database, grant: GrantAward): Promise<Result<GrantedAward>> {
  const wagering = wageringOf(grant);
  if (!wagering.ok) return wagering;
  try {
    return await db.transaction().execute(async (trx) => {
      const known = await trx
        .selectFrom('bonus.award')
        .select(['fingerprint', 'expiresAt'])
        .where('id', '=', grant.awardId)
        .executeTakeFirst();
      if (known) {
        if (!known.fingerprint.equals(grant.fingerprint))
          return fail('idempotency-key-reused', 'The key was used for another award.');
        return succeed({ awardId: grant.awardId, expiresAt: known.expiresAt });
      }
      const { awardId, playerId, asset, amount, betMax, brand } = grant;
      const mayPlay = await mayReceive(trx, playerId, asset);
      if (!mayPlay.ok) return mayPlay;
      // Of the database, since a wrong clock here would end an award before it begins, or hardly ever.
      const expiresAt = new Date((await readClockMs(executeOn(trx))) + grant.days * 86_400_000);
      orThrow(
        await postTransfer(trx, {
          key: `award:${awardId}:grant`,
          playerId,
          asset,
          amount,
          subject: `bonus:${awardId}`,
          transfer: {
            code: 'bonus.award',
            awardId,
            wagering: wagering.value,
            betMax,
            expiresAtMs: expiresAt.getTime(),
          },
        }),
      );
      await trx
        .insertInto('bonus.award')
        .values({
          id: awardId,
          playerId,
          brand,
          asset,
          amount: amount.toString(),
          wagering: wagering.value.toString(),
          betMax: betMax?.toString() ?? null,
          state: 'active',
          reason: grant.reason,
          grantedBy: grant.operatorId,
          fingerprint: grant.fingerprint,
          expiresAt,
        })
        .execute();
      await appendEvent(
        trx,
        {
          type: 'bonus.award.granted',
          version: 1,
          brand,
          playerId,
          payload: {
            awardId,
            money: toMoneyText(amount, asset),
            wagering: toMoneyText(wagering.value, asset),
            expiresAt: expiresAt.toISOString(),
          },
        },
        {
          actor: { kind: 'operator', id: grant.operatorId },
          subject: `bonus:${awardId}`,
          reason: grant.reason,
        },
      );
      return succeed({ awardId, expiresAt });
    });
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}

/** Under the wallet's lock, so that an exclusion that commits meanwhile is seen. */
async function mayReceive(trx: Trx, playerId: string, asset: string): Promise<Result<void>> {
  const wallet = await trx
    .selectFrom('wallet.playerWallet')
    .select(['playBlockReason', sql<boolean>`coalesce(play_blocked_until > now(), false)`.as('isBlocked')])
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .forUpdate()
    .executeTakeFirst();
  if (wallet?.isBlocked !== true) return succeed(undefined);
  return fail(
    wallet.playBlockReason === 'self-exclusion' ? 'self-excluded' : 'player-blocked',
    'The player may not play now.',
  );
}
