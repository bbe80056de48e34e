/** The routes of crypto: an address that is the player's own, what was seen and credited, and destinations with their refusals. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HDKey } from 'viem/accounts';
import { addListEntry } from '#activities/payments/commands/list-entries.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createTestPlayer, openTestSession } from '#test/support/protected-player.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import { testKeyRing } from '#test/workflows/payment-world.ts';
import { Secret } from '#workers/secret.ts';

const xpub = HDKey.fromMasterSeed(Buffer.alloc(32, 5)).derive("m/44'/60'/0'").publicExtendedKey;
const contract = '0x5FbDB2315678afecb367f032d93F642f64180aa3';

describe('the routes of crypto', () => {
  let database: TestDatabase;
  let plain: TestApi;
  let app: TestApi;
  let token: string;
  let playerId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    plain = await createTestApi(database);
    app = await createTestApi(database, {
      config: {
        ...plain.deps.config,
        evm: {
          chain: 'ethereum',
          chainId: 31_337,
          rpcUrl: new Secret('http://127.0.0.1:1'),
          xpub,
          tokens: [{ asset: 'USDT', contract }],
          signer: undefined,
        },
      },
    });
    const player = await createTestPlayer(database);
    playerId = player.playerId;
    token = await openTestSession(database, player);
    await database.db
      .insertInto('responsibleGambling.limit')
      .values({
        id: randomUUID(),
        playerId,
        brand: player.brand,
        jurisdiction: player.jurisdiction,
        profileVersion: 1,
        kind: 'deposit',
        window: 'day',
        asset: 'USDT',
        amount: (10n ** 15n).toString(),
        fingerprint: Buffer.alloc(32),
      })
      .execute();
  }, 60_000);
  afterAll(async () => {
    await plain?.close();
    await app?.close();
    await database?.drop();
  });

  const post = (path: string, body: unknown) => app.send('POST', path, body, { token });

  test('the address is the same each time, has its checksum, and names the contract', async () => {
    const first = await post('/v1/crypto-addresses', { asset: 'USDT' });
    expect([first.status, first.text]).toEqual([200, expect.stringContaining(contract)]);
    expect(first.body).toMatchObject({ chain: 'ethereum', asset: 'USDT', contract });
    expect(first.body['address']).toMatch(/^0x[0-9a-fA-F]{40}$/);
    expect((await post('/v1/crypto-addresses', { asset: 'USDT' })).body).toEqual(first.body);
  });

  const cryptoOf = async (path = '/v1/deposit-methods', as = token) => {
    const { body } = await app.send('GET', path, undefined, { token: as });
    return (body['items'] as Record<string, unknown>[]).filter(({ method }) => method === 'crypto');
  };

  test('is listed among the methods with network, minimum, confirmations and state', async () => {
    const cursor = (age: string) =>
      database.ownerPool.query(
        `insert into payments.chain_cursor (chain, height, hash, moved_at)
         values ('ethereum', 1, '0x' || repeat('a', 64), now() - $1::interval)
         on conflict (chain) do update set moved_at = excluded.moved_at`,
        [age],
      );
    // Nothing has read the chain yet.
    expect(await cryptoOf()).toMatchObject([
      { asset: 'ETH', isImpaired: true, chain: { state: 'delayed', contract: null } },
      { asset: 'USDT', isImpaired: true, chain: { state: 'delayed', contract } },
    ]);
    await cursor('1 second');
    expect(await cryptoOf()).toEqual([
      expect.objectContaining({ asset: 'ETH', min: { amount: '0.001000000000000000', asset: 'ETH' } }),
      {
        method: 'crypto',
        asset: 'USDT',
        psps: [],
        wallets: [],
        min: { amount: '1.000000', asset: 'USDT' },
        max: null,
        isImpaired: false,
        chain: {
          network: 'ethereum',
          contract,
          confirmations: [
            { upTo: { amount: '1000.000000', asset: 'USDT' }, blocks: 6 },
            { upTo: { amount: '10000.000000', asset: 'USDT' }, blocks: 12 },
            { upTo: null, blocks: 32 },
          ],
          state: 'available',
        },
      },
    ]);
    await cursor('10 minutes');
    expect(await cryptoOf()).toMatchObject([{ chain: { state: 'delayed' } }, { isImpaired: true }]);
    const { body } = await plain.send('GET', '/v1/deposit-methods', undefined, { token });
    expect(body['items']).not.toContainEqual(expect.objectContaining({ method: 'crypto' }));
  });

  test('is not listed where a rule closes it or to who is on a black list; staff see why', async () => {
    const other = await createTestPlayer(database, 'GB');
    const theirs = await openTestSession(database, other);
    const lead = await app.signInAs(['payments-lead']);
    const rule = {
      brand: 'aurora',
      name: 'no-crypto-here',
      flow: 'deposit',
      measure: 'closed',
      method: 'crypto',
      jurisdiction: 'GB',
      reason: 'a test',
    };
    expect(await cryptoOf('/v1/deposit-methods', theirs)).toHaveLength(2);
    expect(
      (
        await app.send('POST', '/admin/v1/payments/payment-rules', rule, {
          token: lead,
          key: 'no-crypto-here-1',
        })
      ).status,
    ).toBe(200);
    await database.db.transaction().execute((trx) =>
      addListEntry(trx, testKeyRing, {
        entryId: randomUUID(),
        brand: 'aurora',
        list: 'black',
        kind: 'player',
        value: playerId,
        skips: [],
        reason: 'a test',
        expiresAt: null,
        operatorId: randomUUID(),
        fingerprint: Buffer.alloc(32),
      }),
    );
    outliveMemory();
    expect(await cryptoOf('/v1/deposit-methods', theirs)).toEqual([]);
    expect(await cryptoOf()).toEqual([]);
    for (const id of [other.playerId, playerId])
      expect(await cryptoOf(`/admin/v1/players/${id}/deposit-methods`, lead)).toMatchObject([
        { missing: { reason: 'closed' } },
        { missing: { reason: 'closed' } },
      ]);
    await database.ownerPool.query(
      'update payments.list_entry set ended_at = now(), ended_by = gen_random_uuid(), end_reason = $1',
      ['over'],
    );
  });

  test('an asset that is not taken, an unknown one, and no session are clear refusals', async () => {
    expect((await post('/v1/crypto-addresses', { asset: 'SOL' })).body).toMatchObject({
      code: 'unsupported-asset',
    });
    expect((await post('/v1/crypto-addresses', { asset: 'NOPE' })).body).toMatchObject({
      code: 'unknown-asset',
    });
    expect((await post('/v1/crypto-addresses', {})).status).toBe(400);
    expect((await app.send('POST', '/v1/crypto-addresses', { asset: 'USDT' })).status).toBe(401);
    expect(
      (await plain.send('POST', '/v1/crypto-addresses', { asset: 'USDT' }, { token })).body,
    ).toMatchObject({
      code: 'payment-method-unavailable',
    });
  });

  test('what was seen on the chain is listed with its state', async () => {
    const { address } = (await post('/v1/crypto-addresses', { asset: 'USDT' })).body as { address: string };
    await database.db
      .insertInto('payments.cryptoDeposit')
      .values({
        id: randomUUID(),
        chain: 'ethereum',
        txHash: `0x${'ab'.repeat(32)}`,
        logIndex: 3,
        address,
        playerId,
        brand: 'aurora',
        jurisdiction: 'MT',
        asset: 'USDT',
        contract,
        rawAmount: '12500000',
        amount: (125n * 10n ** 11n).toString(),
        depthRequired: 6,
        policyVersion: 1,
        blockHeight: 7n,
        blockHash: `0x${'cd'.repeat(32)}`,
      })
      .execute();
    const listed = await app.send('GET', '/v1/crypto-deposits', undefined, { token });
    expect(listed.body).toMatchObject({
      items: [
        { state: 'seen', money: { amount: '12.500000', asset: 'USDT' }, depthRequired: 6, depositId: null },
      ],
    });
  });

  test('a destination needs a right checksum and rests for a day', async () => {
    const good = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
    const kept = await post('/v1/crypto-destinations', { address: good });
    expect(kept.status).toBe(200);
    const restsMs = Date.parse(String(kept.body['usableFrom'])) - Date.now();
    expect(restsMs).toBeGreaterThan(23 * 3_600_000);
    expect((await post('/v1/crypto-destinations', { address: good })).body).toEqual(kept.body);
    expect(
      (await post('/v1/crypto-destinations', { address: good.replace('C518', 'c518') })).body,
    ).toMatchObject({
      code: 'invalid-address-checksum',
      status: 400,
    });
    expect((await post('/v1/crypto-destinations', { address: 'nowhere' })).body).toMatchObject({
      code: 'invalid-request',
    });
  });
});
