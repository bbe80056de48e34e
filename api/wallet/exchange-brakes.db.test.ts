/** An exchange over HTTP is no way around wagering, exclusions, limits of the asset, or the rules and lists of the ramp. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedAssets } from '#activities/wallet/assets.ts';
import { addListEntry } from '#activities/payments/commands/list-entries.ts';
import { setPaymentRule } from '#activities/payments/commands/payment-rules.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, oneEuro, publishTestRate } from '#test/support/factories.ts';
import { openTestSession, seedProtection } from '#test/support/protected-player.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import { testKeyRing, workItemsOf } from '#test/workflows/payment-world.ts';

let database: TestDatabase;
let app: TestApi;
const rates = new Map<string, string>();

beforeAll(async () => {
  database = await createTestDatabase();
  await seedAssets(database.db);
  await seedProtection(database);
  app = await createTestApi(database);
  for (const [soldAsset, boughtAsset, rate] of [
    ['EUR', 'USD', '1.08'],
    ['USD', 'EUR', '0.9'],
    ['EUR', 'USDT', '1.08'],
    ['USDT', 'EUR', '0.9'],
  ] as const) {
    const id = await publishTestRate(database.db, { soldAsset, boughtAsset, rate });
    rates.set(`${soldAsset}-${boughtAsset}`, id);
  }
});
afterAll(async () => {
  expect((await verifyLedger(database.db)).flatMap(({ findings }) => findings)).toEqual([]);
  await app?.close();
  await database?.drop();
});

type Rich = { readonly id: string; readonly token: string };

/** A hundred euros and twenty USDT, with wallets and deposit limits in every asset of the tests. */
async function rich(limited: readonly string[] = ['EUR', 'USD', 'USDT']): Promise<Rich> {
  const player = await makePlayer(database.db);
  await makeDeposit(database.db, player);
  await database.db.transaction().execute(async (trx) => {
    for (const asset of ['USD', 'USDT'])
      await openWallet(trx, { playerId: player.id, asset, brand: player.brand, jurisdiction: 'MT' });
    orThrow(
      await postTransfer(trx, {
        key: `poured:${player.id}`,
        playerId: player.id,
        asset: 'USDT',
        amount: 20n * oneEuro,
        subject: `poured:${player.id}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      }),
    );
  });
  for (const asset of limited) await limit(player.id, asset, 'deposit');
  return { id: player.id, token: await openTestSession(database, { playerId: player.id }) };
}

const limit = (playerId: string, asset: string, kind: 'deposit' | 'loss' | 'stake') =>
  database.db
    .insertInto('responsibleGambling.limit')
    .values({
      id: randomUUID(),
      playerId,
      brand: 'aurora',
      jurisdiction: 'MT',
      profileVersion: 1,
      kind,
      window: 'day',
      asset,
      amount: (10n ** 24n).toString(),
      fingerprint: Buffer.alloc(32),
    })
    .execute();

const exchange = (
  { token }: Rich,
  pair: 'EUR-USD' | 'USD-EUR' | 'EUR-USDT' | 'USDT-EUR' = 'EUR-USD',
  key: string = randomUUID(),
) => {
  const [asset, boughtAsset] = pair.split('-');
  const body = { sell: { amount: '10.00', asset }, boughtAsset, rateId: rates.get(pair) };
  return app.send('POST', '/v1/wallet/exchanges', body, { token, key });
};

const exclude = ({ id }: Rich, reason = 'self-exclusion') =>
  database.ownerPool.query(
    "update wallet.player_wallet set play_blocked_until = 'infinity', play_block_reason = $2, version = version + 1 where player_id = $1",
    [id, reason],
  );

const cash = async ({ id }: Rich, asset = 'EUR') =>
  (
    await database.db
      .selectFrom('wallet.playerWallet')
      .select('cash')
      .where('playerId', '=', id)
      .where('asset', '=', asset)
      .executeTakeFirstOrThrow()
  ).cash;

const untouched = String(100n * oneEuro);

describe('of a player', () => {
  test('whose award still has wagering left, the real money of that asset stays in it', async () => {
    const player = await rich();
    await database.ownerPool.query(
      "update wallet.player_wallet set award_id = gen_random_uuid(), award_wagering_left = 1, award_expires_at = now() + interval '1 day' where player_id = $1 and asset = 'EUR'",
      [player.id],
    );
    for (const pair of ['EUR-USD', 'EUR-USDT'] as const)
      expect((await exchange(player, pair)).body).toMatchObject({
        status: 409,
        code: 'withdrawal-pending-wagering',
      });
    expect(await cash(player)).toBe(untouched);
    // The other asset is not bound.
    expect((await exchange(player, 'USDT-EUR')).status).toBe(200);
  });

  test('who is excluded or in a time-out, nothing is exchanged but crypto on its way home', async () => {
    for (const reason of ['self-exclusion', 'time-out']) {
      const player = await rich();
      await exclude(player, reason);
      for (const pair of ['EUR-USD', 'EUR-USDT'] as const)
        expect((await exchange(player, pair)).body).toMatchObject({ status: 403, code: 'self-excluded' });
      expect(await cash(player)).toBe(untouched);
      expect((await exchange(player, 'USDT-EUR')).status).toBe(200);
    }
  });

  test('an exclusion between two repeats takes nothing back, and the repeat is answered as before', async () => {
    const player = await rich();
    const made = await exchange(player, 'EUR-USD', 'the-same-key');
    expect(made.status).toBe(200);
    await exclude(player);
    expect((await exchange(player, 'EUR-USD', 'the-same-key')).body).toEqual(made.body);
    expect((await exchange(player)).body).toMatchObject({ code: 'self-excluded' });
  });

  test('whose account is locked, or whose address nobody has confirmed, nothing is exchanged', async () => {
    const locked = await rich();
    await database.db
      .updateTable('pam.player')
      .set({ status: 'locked' })
      .where('id', '=', locked.id)
      .execute();
    for (const pair of ['EUR-USD', 'USDT-EUR'] as const)
      expect((await exchange(locked, pair)).body).toMatchObject({ status: 403, code: 'player-blocked' });
    const player = await makePlayer(database.db, { status: 'email-unverified' });
    const token = await openTestSession(database, { playerId: player.id });
    expect((await exchange({ id: player.id, token })).body).toMatchObject({ code: 'email-not-verified' });
  });
});

describe('limits are kept per asset, so', () => {
  test('where the law wants a deposit limit, the bought asset has one', async () => {
    const player = await rich(['EUR']);
    expect((await exchange(player)).body).toMatchObject({ status: 409, code: 'deposit-limit-required' });
    expect((await exchange(player, 'EUR-USDT')).body).toMatchObject({ code: 'deposit-limit-required' });
    await limit(player.id, 'USD', 'deposit');
    expect((await exchange(player)).status).toBe(200);
  });

  test.each(['loss', 'stake'] as const)('a %s limit does not end with the exchange', async (kind) => {
    const player = await rich();
    await limit(player.id, 'EUR', kind);
    for (const pair of ['EUR-USD', 'EUR-USDT'] as const)
      expect((await exchange(player, pair)).body).toMatchObject({ status: 409, code: 'play-limit-required' });
    expect(await cash(player)).toBe(untouched);
    await limit(player.id, 'USD', kind);
    expect((await exchange(player)).status).toBe(200);
  });
});

describe('between fiat and crypto an exchange is a ramp by another name:', () => {
  const operatorId = randomUUID();

  test('a black list refuses without saying so, staff hear why, and grey shows it to a person', async () => {
    const player = await rich();
    const list = (kind: 'black' | 'grey', value: string) =>
      database.db.transaction().execute(async (trx) =>
        orThrow(
          await addListEntry(trx, testKeyRing, {
            entryId: randomUUID(),
            brand: 'aurora',
            list: kind,
            kind: 'player',
            value,
            skips: [],
            reason: 'a test',
            expiresAt: null,
            operatorId,
            fingerprint: Buffer.alloc(32),
          }),
        ),
      );
    await list('black', player.id);
    expect((await exchange(player, 'EUR-USDT')).body).toMatchObject({ code: 'payment-method-unavailable' });
    expect(await cash(player)).toBe(untouched);
    const refused = await database.db
      .selectFrom('compliance.outbox')
      .select('payload')
      .where('type', '=', 'payments.exchange.refused')
      .where('playerId', '=', player.id)
      .execute();
    expect(refused).toMatchObject([{ payload: { code: 'payment-method-unavailable', boughtAsset: 'USDT' } }]);
    const other = await rich();
    await list('grey', other.id);
    const made = await exchange(other, 'EUR-USDT');
    expect(await workItemsOf(database.db, `exchange:${String(made.body['id'])}`)).toEqual([
      'listed-ramp:open',
    ]);
  });

  test('its limits count what was exchanged', async () => {
    await database.db.transaction().execute(async (trx) =>
      orThrow(
        await setPaymentRule(trx, {
          ruleId: randomUUID(),
          brand: 'aurora',
          name: 'ramp-sum',
          measure: 'sum',
          flow: 'ramp',
          subject: 'player',
          method: null,
          jurisdiction: null,
          country: null,
          asset: 'EUR',
          amount: 15n * oneEuro,
          countMax: null,
          kycLevel: null,
          windowS: 86_400,
          isActive: true,
          reason: 'a test',
          operatorId,
          fingerprint: Buffer.alloc(32),
        }),
      ),
    );
    outliveMemory();
    const player = await rich();
    expect((await exchange(player, 'EUR-USDT')).status).toBe(200);
    expect((await exchange(player, 'EUR-USDT')).body).toMatchObject({
      status: 422,
      code: 'payment-limit-exceeded',
    });
    expect((await exchange(player, 'EUR-USD')).status).toBe(200);
  });
});
