/** Limits on the real database: exact under races, at once where they protect, later where they do not. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { orThrow } from '#domain/failures.ts';
import type { LimitKind } from '#domain/responsible-gambling/limits.ts';
import { limitWindows, windowStartMs } from '#domain/responsible-gambling/windows.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createTestPlayer, seedProtection, type TestPlayer } from '#test/support/protected-player.ts';
import { releaseDepositLimit, reserveDepositLimit } from './commands/deposit-limit.ts';
import { cancelLimitChange, confirmLimitChange } from './commands/limit-changes.ts';
import { setLimit } from './commands/set-limit.ts';
import { createLimitChangeActivities } from './limit-change-activities.ts';

const euro = 10n ** 12n;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 12 });
  await seedProtection(database);
});
afterAll(() => database.drop());

type Wish = {
  kind?: LimitKind;
  amount: bigint | null;
  id?: string;
  coolingOffHours?: number;
  confirmed?: boolean;
};

async function wish(player: TestPlayer, given: Wish) {
  const rules = orThrow(await currentProfile(database.db, player.jurisdiction));
  return setLimit(database.db, {
    id: given.id ?? randomUUID(),
    playerId: player.playerId,
    brand: player.brand,
    kind: given.kind ?? 'deposit',
    window: 'day',
    asset: 'EUR',
    amount: given.amount,
    fingerprint: Buffer.from(String(given.amount)),
    rules: {
      ...rules,
      profile: {
        ...rules.profile,
        limitIncreaseCoolingOffHours: given.coolingOffHours ?? 24,
        limitIncreaseConfirmed: given.confirmed ?? false,
      },
    },
  });
}

const inForce = async (player: TestPlayer, kind: LimitKind = 'deposit') => {
  const rows = await database.db
    .selectFrom('responsibleGambling.limit')
    .select('amount')
    .where('playerId', '=', player.playerId)
    .where('kind', '=', kind)
    .where('active', '=', true)
    .execute();
  return rows.map((row) => BigInt(row.amount) / euro);
};

const changeState = async (id: string) =>
  (
    await database.db
      .selectFrom('responsibleGambling.limitChange')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  ).state;

const reserve = (player: TestPlayer, amount: bigint, depositId: string = randomUUID()) =>
  database.db.transaction().execute((trx) =>
    reserveDepositLimit(trx, {
      playerId: player.playerId,
      asset: 'EUR',
      amount,
      depositId,
      isLimitRequired: true,
    }),
  );

const advance = (limitChangeId: string) =>
  createLimitChangeActivities({ db: database.db }).advanceLimitChange({ limitChangeId });

describe('setLimit', () => {
  it('puts a first limit and a decrease in force at once, and lets an increase wait', async () => {
    const player = await createTestPlayer(database);
    expect(orThrow(await wish(player, { amount: 100n * euro })).kind).toBe('in-force');
    expect(orThrow(await wish(player, { amount: 40n * euro })).kind).toBe('in-force');
    const asked = orThrow(await wish(player, { amount: 90n * euro }));
    expect(asked.kind).toBe('waiting');
    expect(await inForce(player)).toEqual([40n]);
    const clock = await advance(asked.id);
    expect(clock).toMatchObject({ state: 'cooling-off', over: false });
    expect(clock.remainingMs).toBeGreaterThan(23.9 * 3_600_000);
    expect(clock.remainingMs).toBeLessThanOrEqual(24 * 3_600_000);
  });

  it('answers a repeated key with the first result and refuses it for another wish', async () => {
    const player = await createTestPlayer(database);
    const id = randomUUID();
    await wish(player, { amount: 5n * euro, id });
    expect(await wish(player, { amount: 5n * euro, id })).toMatchObject({
      ok: true,
      value: { kind: 'in-force', id },
    });
    expect(await wish(player, { amount: 4n * euro, id })).toMatchObject({
      failure: { code: 'idempotency-key-reused' },
    });
    expect(await inForce(player)).toEqual([5n]);
  });

  it('keeps only the last increase, and a decrease cancels it', async () => {
    const player = await createTestPlayer(database);
    await wish(player, { amount: 10n * euro });
    const first = orThrow(await wish(player, { amount: 20n * euro }));
    const second = orThrow(await wish(player, { amount: 30n * euro }));
    expect(await changeState(first.id)).toBe('cancelled');
    expect(await changeState(second.id)).toBe('cooling-off');
    await wish(player, { amount: 9n * euro });
    expect(await changeState(second.id)).toBe('cancelled');
    expect(await advance(second.id)).toMatchObject({ state: 'cancelled', over: true });
    expect(await inForce(player)).toEqual([9n]);
  });

  it('copies stake and loss limits to the wallet in the same transaction and bumps its version', async () => {
    const player = await createTestPlayer(database);
    const wallet = () =>
      database.db
        .selectFrom('wallet.playerWallet')
        .select(['playLimits', 'version'])
        .where('playerId', '=', player.playerId)
        .executeTakeFirstOrThrow();
    const before = await wallet();
    await wish(player, { kind: 'loss', amount: 7n * euro });
    await wish(player, { kind: 'stake', amount: 3n * euro });
    const after = await wallet();
    expect(after.version).toBe(before.version + 2n);
    expect(after.playLimits).toEqual(
      expect.arrayContaining([
        { kind: 'loss', window: 'day', amount: String(7n * euro) },
        { kind: 'stake', window: 'day', amount: String(3n * euro) },
      ]),
    );
  });
});

describe('a limit change', () => {
  it('is applied when its wait is over, once', async () => {
    const player = await createTestPlayer(database);
    await wish(player, { amount: 10n * euro });
    const { id } = orThrow(await wish(player, { amount: 50n * euro, coolingOffHours: 0 }));
    expect(await advance(id)).toMatchObject({ state: 'applied', over: true });
    expect(await advance(id)).toMatchObject({ state: 'applied', over: true });
    expect(await inForce(player)).toEqual([50n]);
  });

  it('waits for the player where the regulator wants a confirmation', async () => {
    const player = await createTestPlayer(database, 'GB');
    await wish(player, { amount: 10n * euro });
    const waiting = orThrow(await wish(player, { amount: 20n * euro, confirmed: true }));
    const own = { playerId: player.playerId, limitChangeId: waiting.id };
    expect(await confirmLimitChange(database.db, own)).toMatchObject({
      failure: { code: 'limit-change-not-open' },
    });
    const { id } = orThrow(await wish(player, { amount: 30n * euro, coolingOffHours: 0, confirmed: true }));
    expect(await advance(id)).toMatchObject({ state: 'awaiting-confirmation', over: false });
    expect(await inForce(player)).toEqual([10n]);
    expect(await confirmLimitChange(database.db, { ...own, limitChangeId: id })).toMatchObject({ ok: true });
    expect(await inForce(player)).toEqual([30n]);
  });

  it('can be taken back by its owner only', async () => {
    const player = await createTestPlayer(database);
    await wish(player, { amount: 10n * euro });
    const { id } = orThrow(await wish(player, { amount: null }));
    expect(await cancelLimitChange(database.db, { playerId: randomUUID(), limitChangeId: id })).toMatchObject(
      {
        failure: { code: 'not-found' },
      },
    );
    const own = { playerId: player.playerId, limitChangeId: id };
    expect(await cancelLimitChange(database.db, own)).toMatchObject({ ok: true });
    expect(await cancelLimitChange(database.db, own)).toMatchObject({ ok: true });
    expect(await inForce(player)).toEqual([10n]);
  });

  it('cannot be applied early, shifted or deleted by anybody who writes to the table', async () => {
    const player = await createTestPlayer(database);
    await wish(player, { amount: 10n * euro });
    const { id } = orThrow(await wish(player, { amount: 20n * euro }));
    const change = 'responsible_gambling.limit_change';
    const attempts = [
      `update ${change} set state = 'applied', closed_at = now() where id = $1`,
      `update ${change} set effective_at = now() where id = $1`,
      `delete from ${change} where id = $1`,
    ];
    for (const attempt of attempts) {
      await expect(database.ownerPool.query(attempt, [id])).rejects.toMatchObject({ code: '23000' });
    }
  });
});

describe('reserveDepositLimit', () => {
  it('asks for a limit before the first deposit where the jurisdiction does', async () => {
    const player = await createTestPlayer(database);
    expect(await reserve(player, euro)).toMatchObject({ failure: { code: 'deposit-limit-required' } });
  });

  it('admits exactly what fits when twenty deposits come at once', async () => {
    const player = await createTestPlayer(database);
    await wish(player, { amount: 50n * euro });
    const results = await Promise.all(Array.from({ length: 20 }, () => reserve(player, 10n * euro)));
    expect(results.filter((result) => result.ok)).toHaveLength(5);
    expect(
      results.filter((result) => !result.ok && result.failure.code === 'deposit-limit-exceeded'),
    ).toHaveLength(15);
  });

  it('takes a deposit once, and a proven failure gives the amount back', async () => {
    const player = await createTestPlayer(database);
    await wish(player, { amount: 10n * euro });
    const depositId = randomUUID();
    expect(await reserve(player, 10n * euro, depositId)).toMatchObject({ ok: true });
    expect(await reserve(player, 10n * euro, depositId)).toMatchObject({ ok: true });
    expect(await reserve(player, euro)).toMatchObject({ failure: { code: 'deposit-limit-exceeded' } });
    await database.db.transaction().execute((trx) => releaseDepositLimit(trx, depositId));
    expect(await reserve(player, 10n * euro)).toMatchObject({ ok: true });
  });

  it('forgets yesterday for the limit of the day', async () => {
    const player = await createTestPlayer(database);
    await wish(player, { amount: 10n * euro });
    const depositId = randomUUID();
    await reserve(player, 10n * euro, depositId);
    await database.ownerPool.query(
      `update responsible_gambling.deposit_reservation
       set reserved_at = date_trunc('day', now(), 'UTC') - interval '1 millisecond' where deposit_id = $1`,
      [depositId],
    );
    expect(await reserve(player, 10n * euro)).toMatchObject({ ok: true });
  });
});

test.each([
  '2026-03-01T00:00:00.000Z',
  '2026-03-01T23:59:59.999Z',
  '2026-11-29T12:00:00Z',
  '2027-01-01T00:00:00Z',
])('the windows of the database are those of the rule at %s', async (at) => {
  const { rows } = await sql<Record<string, Date>>`
      select ${sql.join(limitWindows.map((window) => sql`date_trunc(${sql.lit(window)}, ${at}::timestamptz, 'UTC') as ${sql.ref(window)}`))}
    `.execute(database.db);
  const byRule = Object.fromEntries(
    limitWindows.map((window) => [window, new Date(windowStartMs(window, Date.parse(at)))]),
  );
  expect(rows).toEqual([byRule]);
});
