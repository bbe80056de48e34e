/** What the sweep of collections picks among many addresses: what is worth its fee, however much dust lies beside it. */
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedAssets } from '#activities/wallet/assets.ts';
import { sweepCollections } from '#workers/sweep-crypto.ts';
import { cryptoSweepWorkflowId } from '#workflows/crypto-sweep.contract.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { brand, makePlayer, seedWorld } from './payment-world.ts';

let database: TestDatabase;
let workflows: WorkflowEnvironment;

describeWorkflows('the sweep of collections', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seedAssets(database.db);
    await seedWorld(database.db);
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('finds the one address that is worth its fee among thousands with dust', async () => {
    const playerId = await makePlayer(database.db);
    const dust = 6_000;
    const { ownerPool } = database;
    await ownerPool.query(
      `insert into payments.crypto_address (chain, address, key_id, derivation_index, player_id, brand, jurisdiction)
       select 'ethereum', '0x' || lpad(to_hex(n), 40, case n when $1 then 'f' else '0' end), 'key-' || n, 0, $2, $3, 'MT'
       from generate_series(1, $1::int) n`,
      [dust, playerId, brand],
    );
    await ownerPool.query(
      `insert into payments.crypto_deposit (id, chain, tx_hash, log_index, address, player_id, brand, jurisdiction, asset,
         contract, raw_amount, amount, depth_required, policy_version, state)
       select gen_random_uuid(), chain, '0x' || lpad(to_hex(row_number() over ()), 64, '0'), 0, address, player_id, brand,
         jurisdiction, 'USDT', address, worth * 1000000::numeric, worth * 1000000000000::numeric, 6, 1, 'credited'
       from (select *, case key_id when $1 then 500 else 2 end as worth from payments.crypto_address) given`,
      [`key-${dust}`],
    );
    const address = `0x${dust.toString(16).padStart(40, 'f')}`;
    await workflows.runWorkflows(
      { activities: { money: {}, provider: { collectDeposits: async () => 'done' as const } } },
      async (client: Client) => {
        expect(await sweepCollections(client, database.db)).toBe(1);
        const found = client.workflow.getHandle(
          cryptoSweepWorkflowId({ chain: 'ethereum', address, asset: 'USDT' }),
        );
        expect(await found.result()).toBe('done');
      },
    );
  });
});
