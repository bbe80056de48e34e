/** A player's wish about a limit: what protects more holds at once, what protects less becomes a change that waits. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { VersionedProfile } from '#domain/compliance/profile.schema.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import { timingOfChange } from '#domain/responsible-gambling/limits.ts';
import { cancelOpenChange } from '../limit-change-rows.ts';
import { readLimitInForce, writeLimit, type LimitScope } from '../limit-rows.ts';
import { lockPlayerGuard } from '../player-guard.ts';

export type LimitWish = LimitScope & {
  /** Made from the idempotency key; names the limit or the change that comes of it. */
  readonly id: string;
  readonly brand: string;
  readonly rules: VersionedProfile;
  /** Units at ledger scale; null asks for no limit. */
  readonly amount: Units | null;
  readonly fingerprint: Buffer;
};

/** What came of the wish: in force now, waiting, or nothing to do. */
export type LimitOutcome = { readonly kind: 'in-force' | 'waiting' | 'unchanged'; readonly id: string };

/**
 * Carries out the wish in one transaction. A new wish cancels the change that was still waiting, and a new increase
 * starts its own wait. Failures: `idempotency-key-reused`, `wallet-not-found` (stake and loss limits live there).
 */
export async function setLimit(db: Database, wish: LimitWish): Promise<Result<LimitOutcome>> {
  return db.transaction().execute(async (trx) => {
    await lockPlayerGuard(trx, wish.playerId);
    const earlier = await findEarlier(trx, wish);
    if (earlier) return earlier;
    if (wish.kind !== 'deposit' && !(await hasWallet(trx, wish))) {
      return fail('wallet-not-found', `The player has no wallet in ${wish.asset}.`);
    }
    const current = await readLimitInForce(trx, wish);
    const actor = { kind: 'player', id: wish.playerId } as const;
    const timing = timingOfChange(current?.amount ?? null, wish.amount);
    if (timing === 'unchanged') return succeed({ kind: 'unchanged', id: wish.id });
    await cancelOpenChange(trx, wish, actor);
    if (timing === 'later') return succeed(await requestChange(trx, wish));
    await writeLimit(trx, {
      id: wish.id,
      playerId: wish.playerId,
      brand: wish.brand,
      jurisdiction: wish.rules.jurisdiction,
      profileVersion: wish.rules.version,
      kind: wish.kind,
      window: wish.window,
      asset: wish.asset,
      amount: wish.amount,
      fingerprint: wish.fingerprint,
      actor,
    });
    return succeed({ kind: 'in-force', id: wish.id });
  });
}

async function findEarlier(trx: Trx, wish: LimitWish): Promise<Result<LimitOutcome> | null> {
  const change = await trx
    .selectFrom('responsibleGambling.limitChange')
    .select('fingerprint')
    .where('id', '=', wish.id)
    .executeTakeFirst();
  const limit = change
    ? undefined
    : await trx
        .selectFrom('responsibleGambling.limit')
        .select('fingerprint')
        .where('id', '=', wish.id)
        .executeTakeFirst();
  const known = change ?? limit;
  if (!known) return null;
  return known.fingerprint.equals(wish.fingerprint)
    ? succeed({ kind: change ? 'waiting' : 'in-force', id: wish.id })
    : fail('idempotency-key-reused', 'This key was used for another limit.');
}

async function hasWallet(trx: Trx, wish: LimitWish): Promise<boolean> {
  const wallet = await trx
    .selectFrom('wallet.playerWallet')
    .select('asset')
    .where('playerId', '=', wish.playerId)
    .where('asset', '=', wish.asset)
    .executeTakeFirst();
  return wallet !== undefined;
}

async function requestChange(trx: Trx, wish: LimitWish): Promise<LimitOutcome> {
  const { jurisdiction, version, profile } = wish.rules;
  const effectiveAt = sql<Date>`now() + make_interval(hours => ${profile.limitIncreaseCoolingOffHours})`;
  const row = await trx
    .insertInto('responsibleGambling.limitChange')
    .values({
      id: wish.id,
      playerId: wish.playerId,
      brand: wish.brand,
      jurisdiction,
      profileVersion: version,
      kind: wish.kind,
      window: wish.window,
      asset: wish.asset,
      amount: wish.amount?.toString() ?? null,
      effectiveAt,
      confirmUntil: profile.limitIncreaseConfirmed
        ? sql<Date>`${effectiveAt} + make_interval(days => ${profile.limitIncreaseConfirmationDays})`
        : null,
      fingerprint: wish.fingerprint,
    })
    .returning('effectiveAt')
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'responsible-gambling.limit-change.requested',
      version: 1,
      brand: wish.brand,
      playerId: wish.playerId,
      payload: {
        limitChangeId: wish.id,
        effectiveAt: row.effectiveAt.toISOString(),
        jurisdiction,
        profileVersion: version,
      },
    },
    { actor: { kind: 'player', id: wish.playerId }, subject: `limit-change:${wish.id}` },
  );
  return { kind: 'waiting', id: wish.id };
}
