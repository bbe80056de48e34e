/** The life of an award on a real ledger under skipped time: wagered and converted, expired, given up. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAwardActivities } from '#activities/bonus/awards.ts';
import { grantAward } from '#activities/bonus/commands/grant-award.ts';
import { openWallet, readBalances, setPlayBrake } from '#activities/wallet/player-wallet.ts';
import { postCommand } from '#activities/wallet/post.ts';
import { orThrow } from '#domain/failures.ts';
import type { bonusAward } from '#workflows/bonus-award.ts';
import { awardForfeited, awardWagered, bonusAwardWorkflowId } from '#workflows/bonus-award.contract.ts';
import { createTestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';

const euro = 10n ** 12n;
let database: TestDatabase;
let workflows: WorkflowEnvironment;

async function grantedAward(): Promise<{ playerId: string; awardId: string }> {
  const playerId = randomUUID();
  const awardId = randomUUID();
  await database.ownerPool.query(
    `insert into pam.player (id, brand, jurisdiction, jurisdiction_version, country, currency, status, terms_version)
     values ($1, 'aurora', 'MT', 1, 'MT', 'EUR', 'email-unverified', 1)`,
    [playerId],
  );
  await database.db
    .transaction()
    .execute((trx) => openWallet(trx, { playerId, asset: 'EUR', brand: 'aurora', jurisdiction: 'MT' }));
  const terms = { amount: 10n * euro, wageringTimes: 2, betMax: 5n * euro, days: 7 };
  const grant = {
    ...terms,
    awardId,
    playerId,
    brand: 'aurora',
    asset: 'EUR',
    operatorId: randomUUID(),
    reason: 'a test of its life',
  };
  orThrow(await grantAward(database.db, { ...grant, fingerprint: Buffer.from('same') }));
  // The same key again is the same award; with other terms it is refused.
  expect(await grantAward(database.db, { ...grant, fingerprint: Buffer.from('same') })).toMatchObject({
    ok: true,
  });
  expect(await grantAward(database.db, { ...grant, fingerprint: Buffer.from('other') })).toMatchObject({
    failure: { code: 'idempotency-key-reused' },
  });
  return { playerId, awardId };
}

async function stake(playerId: string, amount: bigint): Promise<string> {
  const externalId = randomUUID();
  const posted = await database.db.transaction().execute((trx) =>
    postCommand(trx, {
      kind: 'bet',
      key: { integration: 'studio', externalId },
      playerId,
      asset: 'EUR',
      game: 'slot',
      round: externalId,
      roundClosed: true,
      fingerprint: 'ab'.repeat(32),
      amount,
      sessionIssuedAtMs: Date.now(),
      sessionExpiresAtMs: Date.now() + 3_600_000,
      contributionBps: 10_000,
      guardMs: 0,
    }),
  );
  if (!posted.ok) return posted.failure.code;
  orThrow(
    await database.db.transaction().execute((trx) =>
      postCommand(trx, {
        kind: 'win',
        key: { integration: 'studio', externalId: randomUUID() },
        playerId,
        asset: 'EUR',
        game: 'slot',
        round: externalId,
        roundClosed: true,
        fingerprint: 'cd'.repeat(32),
        amount,
        betExternalId: externalId,
        guardMs: 0,
      }),
    ),
  );
  return 'posted';
}

const run = <T>(fn: (client: Client) => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: { money: createAwardActivities({ db: database.db }) } }, fn);

const start = (client: Client, award: { playerId: string; awardId: string }) =>
  client.workflow.start<typeof bonusAward>('bonusAward', {
    workflowId: bonusAwardWorkflowId(award.awardId),
    taskQueue: 'money',
    args: [{ ...award, brand: 'aurora' }],
  });

describeWorkflows('an award', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await database.ownerPool.query(`
      insert into wallet.asset values ('EUR', 'fiat', null, 12, 2) on conflict do nothing;
      insert into pam.brand (id, name) values ('aurora', 'Aurora') on conflict do nothing`);
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('is granted to nobody who has excluded himself or is locked', async () => {
    const { playerId } = await grantedAward();
    const brake = (reason: string) =>
      database.db.transaction().execute((trx) => setPlayBrake(trx, playerId, { until: 'infinity', reason }));
    const grant = () =>
      grantAward(database.db, {
        amount: 10n * euro,
        wageringTimes: 2,
        betMax: null,
        days: 7,
        awardId: randomUUID(),
        playerId,
        brand: 'aurora',
        asset: 'EUR',
        operatorId: randomUUID(),
        reason: 'a bonus to come back for',
        fingerprint: Buffer.from('one'),
      });
    await brake('self-exclusion');
    expect(await grant()).toMatchObject({ failure: { code: 'self-excluded' } });
    await brake('account-locked');
    expect(await grant()).toMatchObject({ failure: { code: 'player-blocked' } });
  });

  test('converts when its wagering is complete, and the maximum bet holds until then', async () => {
    const award = await grantedAward();
    await run(async (client) => {
      const handle = await start(client, award);
      expect(await stake(award.playerId, 6n * euro)).toBe('bonus-bet-too-large');
      for (let n = 0; n < 4; n += 1) expect(await stake(award.playerId, 5n * euro)).toBe('posted');
      await handle.signal(awardWagered);
      expect(await handle.result()).toBe('converted');
      await workflows.exportHistory(handle, 'bonus-award.converted');
    });
    expect(await readBalances(database.db, award.playerId)).toMatchObject([{ cash: 10n * euro, bonus: 0n }]);
    const { rows } = await database.pool.query(
      `select count(*)::int as n from compliance.outbox where type = 'bonus.award.wagered' and player_id = $1`,
      [award.playerId],
    );
    expect(rows[0].n).toBe(1);
  });

  test('is forfeited when its time is over, by the database’s clock', async () => {
    const award = await grantedAward();
    await run(async (client) => {
      await database.ownerPool.query(
        `update bonus.award set expires_at = now() + interval '2 seconds' where id = $1`,
        [award.awardId],
      );
      const handle = await start(client, award);
      expect(await handle.result()).toBe('forfeited');
      await workflows.exportHistory(handle, 'bonus-award.expired');
    });
    expect(await readBalances(database.db, award.playerId)).toMatchObject([{ cash: 0n, bonus: 0n }]);
  });

  test('can be given up', async () => {
    const award = await grantedAward();
    await run(async (client) => {
      const handle = await start(client, award);
      await handle.signal(awardForfeited, { reason: 'given up by the player' });
      expect(await handle.result()).toBe('forfeited');
      await workflows.exportHistory(handle, 'bonus-award.given-up');
    });
    expect(await readBalances(database.db, award.playerId)).toMatchObject([{ cash: 0n, bonus: 0n }]);
  });

  test('can be given up before anybody has begun to follow it, and only once', async () => {
    const award = await grantedAward();
    const token = await openTestSession(database, award);
    await run(async (client) => {
      const app = await createTestApi(database, { temporal: () => Promise.resolve(client) });
      const giveUp = () =>
        app.send('POST', `/v1/awards/${award.awardId}/forfeit`, undefined, { token, key: randomUUID() });
      expect((await giveUp()).status).toBe(202);
      const handle = client.workflow.getHandle<typeof bonusAward>(bonusAwardWorkflowId(award.awardId));
      expect(await handle.result()).toBe('forfeited');
      expect(await giveUp()).toMatchObject({ status: 409, body: { code: 'award-not-active' } });
      await app.close();
    });
  });

  test('whose workflow was ended by hand is no bug of the player who gives it up', async () => {
    const award = await grantedAward();
    const token = await openTestSession(database, award);
    await run(async (client) => {
      await (await start(client, award)).terminate('by hand');
      const app = await createTestApi(database, { temporal: () => Promise.resolve(client) });
      const path = `/v1/awards/${award.awardId}/forfeit`;
      const answer = await app.send('POST', path, undefined, { token, key: randomUUID() });
      expect(answer).toMatchObject({ status: 503, body: { code: 'dependency-unavailable' } });
      await app.close();
    });
  });
});
