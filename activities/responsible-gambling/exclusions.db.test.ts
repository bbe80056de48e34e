/** Exclusions on the real database: they hold from the commit, are never shortened and end only as the law says. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { lockPlayer, unlockPlayer } from '#activities/pam/commands/player-lock.ts';
import { openWallet, setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { orThrow } from '#domain/failures.ts';
import type { ExclusionKind } from '#domain/responsible-gambling/exclusion-terms.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { untilBlocked } from '#test/support/lock-waits.ts';
import { makeAsset } from '#test/support/factories.ts';
import { createTestPlayer, seedProtection, type TestPlayer } from '#test/support/protected-player.ts';
import { reserveDepositLimit } from './commands/deposit-limit.ts';
import { requestExclusion, requestReinstatement } from './commands/exclusions.ts';
import { createExclusionActivities } from './exclusion-activities.ts';
import { applyPlayBrake } from './play-brake.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await seedProtection(database);
});
afterAll(() => database.drop());

async function exclude(player: TestPlayer, kind: ExclusionKind, duration: string, id: string = randomUUID()) {
  return requestExclusion(database.db, {
    id,
    playerId: player.playerId,
    brand: player.brand,
    rules: orThrow(await currentProfile(database.db, player.jurisdiction)),
    kind,
    duration,
    fingerprint: Buffer.from(`${kind} ${duration}`),
  });
}

async function brakeOf(player: TestPlayer) {
  const { rows } = await database.ownerPool.query<{
    reason: string | null;
    until: string | null;
    expired: boolean;
  }>(
    `select play_block_reason as reason, play_blocked_until::text as until,
            sessions_valid_from > '-infinity' as expired
     from wallet.player_wallet where player_id = $1`,
    [player.playerId],
  );
  return rows[0];
}

/** Lets time pass for one exclusion, past the triggers that bind everybody else. */
async function age(player: TestPlayer, number: number, interval: string): Promise<void> {
  const client = await database.ownerPool.connect();
  try {
    await client.query('begin');
    await client.query('alter table responsible_gambling.exclusion disable trigger exclusion_states');
    await client.query(
      `update responsible_gambling.exclusion
       set started_at = started_at - $3::interval, until = until - $3::interval,
           reinstatable_from = reinstatable_from - $3::interval, reinstated_at = reinstated_at - $3::interval
       where player_id = $1 and number = $2`,
      [player.playerId, number, interval],
    );
    await client.query('alter table responsible_gambling.exclusion enable trigger exclusion_states');
    await client.query('commit');
  } finally {
    client.release();
  }
}

const advance = (player: TestPlayer, number: number) =>
  createExclusionActivities({ db: database.db }).advanceExclusion({ playerId: player.playerId, number });

const reinstate = async (player: TestPlayer, number: number) =>
  requestReinstatement(database.db, {
    playerId: player.playerId,
    number,
    rules: orThrow(await currentProfile(database.db, player.jurisdiction)),
  });

describe('a time-out', () => {
  it('blocks play and deposits at once, expires game sessions, and its clock waits for the end', async () => {
    const player = await createTestPlayer(database);
    const { number } = orThrow(await exclude(player, 'time-out', 'PT24H'));
    expect(number).toBe(1);
    expect(await brakeOf(player)).toMatchObject({ reason: 'time-out', expired: true });
    const deposit = {
      playerId: player.playerId,
      asset: 'EUR',
      amount: 1n,
      depositId: randomUUID(),
      isLimitRequired: true,
    };
    const reserved = await database.db.transaction().execute((trx) => reserveDepositLimit(trx, deposit));
    expect(reserved).toMatchObject({ failure: { code: 'self-excluded' } });
    const clock = await advance(player, number);
    expect(clock).toMatchObject({ state: 'active', over: false });
    expect(clock.remainingMs).toBeGreaterThan(23.9 * 3_600_000);
  });

  it('is never shortened, and a longer wish extends the same one', async () => {
    const player = await createTestPlayer(database);
    const first = orThrow(await exclude(player, 'time-out', 'P7D'));
    const shorter = orThrow(await exclude(player, 'time-out', 'PT1H'));
    expect(shorter.until).toEqual(first.until);
    const longer = orThrow(await exclude(player, 'time-out', 'P20D'));
    expect(longer.number).toBe(first.number);
    expect(longer.until?.getTime()).toBeGreaterThan((first.until?.getTime() ?? 0) + 12 * 86_400_000);
    expect((await brakeOf(player))?.until?.slice(0, 10)).toBe(longer.until?.toISOString().slice(0, 10));
  });

  it('meets its own row again under a repeated key and refuses the key for another wish', async () => {
    const player = await createTestPlayer(database);
    const id = randomUUID();
    const first = orThrow(await exclude(player, 'time-out', 'P1D', id));
    expect(orThrow(await exclude(player, 'time-out', 'P1D', id))).toMatchObject({
      number: first.number,
      until: first.until,
    });
    expect(await exclude(player, 'time-out', 'P2D', id)).toMatchObject({
      failure: { code: 'idempotency-key-reused' },
    });
  });

  it('ends when the database says so, lifts the brake, and the next one has the next number', async () => {
    const player = await createTestPlayer(database);
    await exclude(player, 'time-out', 'PT24H');
    await age(player, 1, '24 hours 1 second');
    expect(await advance(player, 1)).toMatchObject({ state: 'ended', over: true });
    expect(await brakeOf(player)).toMatchObject({ reason: null, until: null });
    expect(orThrow(await exclude(player, 'time-out', 'PT2H')).number).toBe(2);
  });

  it("leaves an operator's lock in place when it ends", async () => {
    const player = await createTestPlayer(database);
    await database.ownerPool.query(
      `insert into pam.player_lock (player_id, number, reason, operator_id) values ($1, 1, 'a test', $2)`,
      [player.playerId, randomUUID()],
    );
    await database.db
      .transaction()
      .execute((trx) => setPlayBrake(trx, player.playerId, { until: 'infinity', reason: 'account-locked' }));
    await exclude(player, 'time-out', 'PT24H');
    await age(player, 1, '25 hours');
    await advance(player, 1);
    expect(await brakeOf(player)).toMatchObject({ reason: 'account-locked', until: 'infinity' });
  });
});

describe('a self-exclusion', () => {
  it('outlasts its term until the player asks and the wait is over', async () => {
    const player = await createTestPlayer(database);
    const { number } = orThrow(await exclude(player, 'self-exclusion', 'P6M'));
    expect(await brakeOf(player)).toMatchObject({ reason: 'self-exclusion', until: 'infinity' });
    expect(await reinstate(player, number)).toMatchObject({ failure: { code: 'self-excluded' } });
    await age(player, number, '7 months');
    expect(await advance(player, number)).toEqual({
      state: 'reinstatement-possible',
      over: false,
      remainingMs: null,
    });
    expect(await brakeOf(player)).toMatchObject({ reason: 'self-exclusion', until: 'infinity' });
    expect(await reinstate(player, number)).toMatchObject({
      ok: true,
      value: { state: 'reinstatement-requested' },
    });
    const clock = await advance(player, number);
    expect(clock.over).toBe(false);
    expect(clock.remainingMs).toBeGreaterThan(23.9 * 3_600_000);
    await age(player, number, '24 hours 1 second');
    expect(await advance(player, number)).toMatchObject({ state: 'ended', over: true });
    expect(await brakeOf(player)).toMatchObject({ reason: null, until: null });
  });

  it('takes full effect again when the player renews it on the way back', async () => {
    const player = await createTestPlayer(database);
    await exclude(player, 'self-exclusion', 'P6M');
    await age(player, 1, '7 months');
    await advance(player, 1);
    await reinstate(player, 1);
    expect(orThrow(await exclude(player, 'self-exclusion', 'P1Y'))).toMatchObject({
      number: 1,
      state: 'active',
    });
    expect((await advance(player, 1)).remainingMs).toBeGreaterThan(360 * 86_400_000);
  });

  it('stays when a time-out beside it ends', async () => {
    const player = await createTestPlayer(database);
    await exclude(player, 'time-out', 'PT1H');
    expect(orThrow(await exclude(player, 'self-exclusion', 'indefinite'))).toMatchObject({
      number: 2,
      until: null,
    });
    await age(player, 1, '2 hours');
    expect(await advance(player, 1)).toMatchObject({ state: 'ended' });
    expect(await brakeOf(player)).toMatchObject({ reason: 'self-exclusion', until: 'infinity' });
  });

  it('cannot be shortened, ended or deleted by anybody who writes to the table', async () => {
    const player = await createTestPlayer(database);
    await exclude(player, 'self-exclusion', 'P6M');
    const attempts = [
      `update responsible_gambling.exclusion set until = now() + interval '1 day' where player_id = $1`,
      `update responsible_gambling.exclusion set state = 'ended', ended_at = now() where player_id = $1`,
      `update responsible_gambling.exclusion set state = 'reinstatement-possible' where player_id = $1`,
      `delete from responsible_gambling.exclusion where player_id = $1`,
    ];
    for (const attempt of attempts) {
      await expect(database.ownerPool.query(attempt, [player.playerId])).rejects.toMatchObject({
        code: '23000',
      });
    }
  });
});

describe("an exclusion and an operator's lock", () => {
  const order = (player: TestPlayer) => ({
    playerId: player.playerId,
    operatorId: randomUUID(),
    reason: 'chargeback under review',
  });

  it('that ends behind the lock does not come back with the unlocking', async () => {
    const player = await createTestPlayer(database);
    await exclude(player, 'self-exclusion', 'P6M');
    await age(player, 1, '7 months');
    await advance(player, 1);
    await reinstate(player, 1);
    orThrow(await lockPlayer(database.db, order(player)));
    await age(player, 1, '24 hours 1 second');
    expect(await advance(player, 1)).toMatchObject({ state: 'ended', over: true });
    expect(await brakeOf(player)).toMatchObject({ reason: 'account-locked', until: 'infinity' });
    orThrow(await unlockPlayer(database.db, order(player)));
    expect(await brakeOf(player)).toMatchObject({ reason: null, until: null });
  });

  it('that begins while the account is being locked holds after the unlocking', async () => {
    const player = await createTestPlayer(database);
    const excluding = Promise.withResolvers<void>();
    const locking = Promise.withResolvers<void>();
    const excluded = database.db.transaction().execute(async (trx) => {
      // What requestExclusion writes, held open where its commit would be.
      await trx
        .insertInto('responsibleGambling.exclusion')
        .values({
          playerId: player.playerId,
          number: 1,
          brand: player.brand,
          jurisdiction: player.jurisdiction,
          profileVersion: 1,
          kind: 'self-exclusion',
          until: sql<Date>`now() + interval '6 months'`,
          reinstatableFrom: sql<Date>`now() + interval '6 months'`,
        })
        .execute();
      await applyPlayBrake(trx, player.playerId);
      excluding.resolve();
      await locking.promise;
    });
    await excluding.promise;
    const locked = lockPlayer(database.db, order(player));
    await untilBlocked(database.ownerPool);
    locking.resolve();
    await excluded;
    orThrow(await locked);
    orThrow(await unlockPlayer(database.db, order(player)));
    expect(await brakeOf(player)).toMatchObject({ reason: 'self-exclusion', until: 'infinity' });
  });
});

describe('an exclusion and a wallet that is being opened', () => {
  it('holds for the new wallet, too, whichever of them commits first', async () => {
    const player = await createTestPlayer(database);
    await makeAsset(database.db, 'USDT');
    const opened = Promise.withResolvers<void>();
    const closing = Promise.withResolvers<void>();
    const opening = database.db.transaction().execute(async (trx) => {
      await openWallet(trx, { ...player, asset: 'USDT' });
      opened.resolve();
      await closing.promise;
    });
    await opened.promise;
    const excluded = exclude(player, 'self-exclusion', 'P6M');
    await delay(300);
    closing.resolve();
    await opening;
    orThrow(await excluded);
    const wallets = await database.db
      .selectFrom('wallet.playerWallet')
      .select(['asset', 'playBlockReason'])
      .where('playerId', '=', player.playerId)
      .orderBy('asset')
      .execute();
    expect(wallets).toEqual([
      { asset: 'EUR', playBlockReason: 'self-exclusion' },
      { asset: 'USDT', playBlockReason: 'self-exclusion' },
    ]);
  });
});
