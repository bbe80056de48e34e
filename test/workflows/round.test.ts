/** The `round` workflow on a real ledger under skipped time: asked, settled, voided, handed to a person. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { createRoundActivities } from '#activities/games/rounds.ts';
import { claimExpiredRounds } from '#activities/games/guard.ts';
import type { GameProvider, RoundOutcome } from '#activities/games/providers.ts';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { postCommand } from '#activities/wallet/post.ts';
import type { GameCommand } from '#domain/wallet/commands.ts';
import { fail, orThrow, succeed, type Result } from '#domain/failures.ts';
import type { round } from '#workflows/round.ts';
import { getRound, resolveRound, roundWorkflowId, type RoundInput } from '#workflows/round.contract.ts';
import { sweepRoundVoids } from '#workers/sweep-round-voids.ts';
import { createTestApi, type Answer } from '#test/support/api.ts';
import { makeFundedWallet } from '#test/support/factories.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';

const euro = 10n ** 12n;
let database: TestDatabase;
let workflows: WorkflowEnvironment;

/** The provider is the only party that is played here; its answers follow the script of the test. */
let answers: (() => Result<RoundOutcome> | Promise<Result<RoundOutcome>>)[] = [];
const provider: GameProvider = {
  launchUrl: () => Promise.resolve(fail('dependency-unavailable', 'not asked in this test')),
  roundOutcome: async () =>
    (await (answers.length > 1 ? answers.shift() : answers[0])?.()) ?? succeed({ state: 'open' }),
};

type Opened = { readonly playerId: string; readonly roundRef: string; readonly betId: string };

async function openRound(): Promise<Opened> {
  const playerId = await makeFundedWallet(database.db, 10n * euro);
  const opened = { playerId, roundRef: randomUUID(), betId: randomUUID() };
  await stake(opened);
  // Its guard time is a millisecond, and a sweep that begins within it finds nothing.
  await database.pool.query('select pg_sleep(0.003)');
  return opened;
}

const factsOf = ({ playerId, roundRef }: Opened) => ({
  playerId,
  asset: 'EUR',
  game: 'slot',
  round: roundRef,
  guardMs: 1,
});

const post = async (command: GameCommand) =>
  orThrow(await database.db.transaction().execute((trx) => postCommand(trx, command)));

const stake = (opened: Opened, betId = opened.betId) =>
  post({
    kind: 'bet',
    key: { integration: 'studio', externalId: betId },
    ...factsOf(opened),
    roundClosed: false,
    fingerprint: gameFingerprint({
      ...factsOf(opened),
      kind: 'bet',
      amount: 4n * euro,
      reference: null,
    }),
    amount: 4n * euro,
    sessionIssuedAtMs: Date.now(),
    sessionExpiresAtMs: Date.now() + 3_600_000,
    contributionBps: 10_000,
  });

const undo = (opened: Opened, betId = opened.betId, roundClosed = false) =>
  post({
    kind: 'rollback',
    key: { integration: 'studio', externalId: randomUUID() },
    ...factsOf(opened),
    roundClosed,
    originalExternalId: betId,
    fingerprint: gameFingerprint({ ...factsOf(opened), kind: 'rollback', amount: 0n, reference: betId }),
  });

const cashOf = async (playerId: string): Promise<string> =>
  (
    await database.db
      .selectFrom('wallet.playerWallet')
      .select('cash')
      .where('playerId', '=', playerId)
      .executeTakeFirstOrThrow()
  ).cash;
const stateOf = async (roundRef: string): Promise<string> =>
  (
    await database.db
      .selectFrom('games.round')
      .select('state')
      .where('roundRef', '=', roundRef)
      .executeTakeFirstOrThrow()
  ).state;

function run<T>(fn: (client: Client) => Promise<T>): Promise<T> {
  const activities = createRoundActivities({
    db: database.db,
    gameProviders: new Map([['studio', provider]]),
  });
  return workflows.runWorkflows({ activities: { play: activities, provider: activities } }, fn);
}

async function start(
  client: Client,
  opened: { playerId: string; roundRef: string },
  opening = 1,
  more: Pick<RoundInput, 'waiting'> = {},
) {
  const input = {
    integration: 'studio',
    roundRef: opened.roundRef,
    playerId: opened.playerId,
    brand: 'aurora',
    asset: 'EUR',
    opening,
    ...more,
  };
  return client.workflow.start<typeof round>('round', {
    workflowId: roundWorkflowId(input),
    taskQueue: 'play',
    args: [input],
  });
}

/** Two people of the back office; without a client Temporal is away for them. */
async function openStaff(client: Client | null) {
  const app = await createTestApi(database, client ? { temporal: () => Promise.resolve(client) } : {});
  const [desk, lead] = await Promise.all([app.signInAs(['content']), app.signInAs(['payments-lead'])]);
  return {
    app,
    desk,
    lead,
    propose: ({ playerId, roundRef }: Opened) =>
      app.send(
        'POST',
        `/admin/v1/rounds/studio/${roundRef}/void-proposals`,
        { playerId, reason: 'the provider is gone' },
        { token: desk, key: randomUUID() },
      ),
    approve: ({ body }: Answer, key: string = randomUUID(), token = lead) =>
      app.send(
        'POST',
        `/admin/v1/round-void-proposals/${String(body['proposalId'])}/decisions`,
        { decision: 'approve', contentHash: body['contentHash'] },
        { token, key },
      ),
    close: () => app.close(),
  };
}

describeWorkflows('a round left open', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await database.db
      .insertInto('wallet.asset')
      .values({ code: 'EUR', kind: 'fiat', ledgerScale: 12, payableScale: 2 })
      .onConflict((oc) => oc.doNothing())
      .execute();
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('is settled with the provider’s own transaction, and the provider’s late call moves nothing', async () => {
    const opened = await openRound();
    const winId = randomUUID();
    const finished: RoundOutcome = {
      state: 'finished',
      transactions: [
        {
          externalId: opened.betId,
          referenceExternalId: null,
          kind: 'bet',
          wireAmount: '400000',
          jackpotWireAmount: null,
        },
        {
          externalId: winId,
          referenceExternalId: opened.betId,
          kind: 'win',
          wireAmount: '900000',
          jackpotWireAmount: null,
        },
      ],
    };
    answers = [
      () => fail('dependency-unavailable', 'away'),
      () => succeed({ state: 'open' }),
      () => succeed(finished),
    ];
    await run(async (client) => {
      const handle = await start(client, opened);
      expect(await handle.result()).toMatchObject({ stage: 'settled', asked: 3 });
      await workflows.exportHistory(handle, 'round.settled');
    });
    expect(await cashOf(opened.playerId)).toBe(String(15n * euro));
    expect(await stateOf(opened.roundRef)).toBe('settled');

    const facts = { playerId: opened.playerId, asset: 'EUR', game: 'slot', round: opened.roundRef };
    const late = await database.db.transaction().execute((trx) =>
      postCommand(trx, {
        kind: 'win',
        key: { integration: 'studio', externalId: winId },
        ...facts,
        roundClosed: true,
        guardMs: 0,
        amount: 9n * euro,
        betExternalId: opened.betId,
        fingerprint: gameFingerprint({ ...facts, kind: 'win', amount: 9n * euro, reference: opened.betId }),
      }),
    );
    expect(late).toMatchObject({ ok: true, value: { repeated: true } });
    expect(await cashOf(opened.playerId)).toBe(String(15n * euro));
  });

  test('that the provider never heard of gives the stake back', async () => {
    const opened = await openRound();
    answers = [() => fail('transaction-not-found', 'unknown')];
    await run(async (client) => {
      const handle = await start(client, opened);
      expect(await handle.result()).toMatchObject({ stage: 'void' });
      await workflows.exportHistory(handle, 'round.void');
    });
    expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
    expect(await stateOf(opened.roundRef)).toBe('void');
  });

  test('goes to a person after a day of silence, and waits for nobody else', async () => {
    const opened = await openRound();
    answers = [() => fail('dependency-unavailable', 'silent')];
    await run(async (client) => {
      const handle = await start(client, opened);
      const decision = { operatorId: randomUUID(), outcome: 'ask-again' } as const;
      await expect(handle.executeUpdate(resolveRound, { args: [decision] })).rejects.toThrow(
        WorkflowUpdateFailedError,
      );
      await workflows.env.sleep('25 hours');
      expect(await handle.query(getRound)).toMatchObject({ stage: 'with-a-person' });
      expect(await stateOf(opened.roundRef)).toBe('manual');
      await undo(opened);
      expect(await handle.result()).toMatchObject({ stage: 'void' });
    });
    expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
  });

  test('that a person has is void once two people say so, and the stake comes back once', async () => {
    const opened = await openRound();
    answers = [() => fail('dependency-unavailable', 'silent')];
    await run(async (client) => {
      const staff = await openStaff(client);
      expect((await staff.propose(opened)).body['code']).toBe('round-void-not-open');
      const handle = await start(client, opened, 1, { waiting: { asked: 288 } });
      await expect.poll(() => stateOf(opened.roundRef), { timeout: 20_000 }).toBe('manual');
      const alone = { operatorId: randomUUID(), outcome: 'void' } as const;
      await expect(handle.executeUpdate(resolveRound, { args: [alone] })).rejects.toThrow(
        WorkflowUpdateFailedError,
      );
      const unknown = { ...alone, proposalId: randomUUID() };
      expect(await handle.executeUpdate(resolveRound, { args: [unknown] })).toMatchObject({
        stage: 'with-a-person',
      });
      expect(await cashOf(opened.playerId)).toBe(String(6n * euro));

      const proposal = await staff.propose(opened);
      expect(proposal.body).toMatchObject({
        stakes: [opened.betId],
        money: { amount: '4.00', asset: 'EUR' },
      });
      const key = randomUUID();
      const raced = await Promise.all([staff.approve(proposal, key), staff.approve(proposal, key)]);
      for (const { status, body } of raced)
        expect({ status, body }).toMatchObject({ status: 200, body: { state: 'carried-out' } });
      expect(await handle.result()).toMatchObject({ stage: 'void' });
      expect((await staff.approve(proposal, key)).body).toEqual(raced[0]?.body);
      await workflows.exportHistory(handle, 'round.voided-by-two-people');
      await staff.close();
    });
    expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
    expect(await stateOf(opened.roundRef)).toBe('void');
  });

  test('that took a stake after two people agreed waits for a person as before', async () => {
    const opened = await openRound();
    answers = [() => fail('dependency-unavailable', 'silent')];
    await run(async (client) => {
      const [staff, cutOff] = [await openStaff(client), await openStaff(null)];
      const handle = await start(client, opened, 1, { waiting: { asked: 288 } });
      await expect.poll(() => stateOf(opened.roundRef), { timeout: 20_000 }).toBe('manual');
      const proposal = await staff.propose(opened);
      const key = randomUUID();
      // The approval is kept, and the process does not come to tell the workflow.
      expect((await cutOff.approve(proposal, key, staff.lead)).body['code']).toBe('dependency-unavailable');
      await stake(opened, randomUUID());
      expect((await staff.approve(proposal, key)).body['code']).toBe('version-outdated');
      expect(await handle.query(getRound)).toMatchObject({ stage: 'with-a-person' });
      expect(await cashOf(opened.playerId)).toBe(String(2n * euro));

      const anew = await staff.propose(opened);
      // Here nothing has come in between: the repeat carries on what the first call began.
      expect((await cutOff.approve(anew, key, staff.lead)).body['code']).toBe('idempotency-key-reused');
      const next = randomUUID();
      expect((await cutOff.approve(anew, next, staff.lead)).body['code']).toBe('dependency-unavailable');
      expect((await staff.approve(anew, next)).body).toMatchObject({ state: 'carried-out' });
      expect(await handle.result()).toMatchObject({ stage: 'void' });
      await workflows.exportHistory(handle, 'round.approved-too-late');
      await staff.close();
      await cutOff.close();
    });
    expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
  });

  test('whose approved void was cut off is void by the sweep, without anybody’s repeat', async () => {
    const opened = await openRound();
    answers = [() => fail('dependency-unavailable', 'silent')];
    await run(async (client) => {
      const [staff, cutOff] = [await openStaff(client), await openStaff(null)];
      const handle = await start(client, opened, 1, { waiting: { asked: 288 } });
      await expect.poll(() => stateOf(opened.roundRef), { timeout: 20_000 }).toBe('manual');
      const proposal = await staff.propose(opened);
      expect((await cutOff.approve(proposal, randomUUID(), staff.lead)).body['code']).toBe(
        'dependency-unavailable',
      );
      // Whoever approved may still be at it.
      expect(await sweepRoundVoids(client, database.db)).toBe(0);
      expect(await sweepRoundVoids(client, database.db, { olderThanS: 0 })).toBe(1);
      expect(await handle.result()).toMatchObject({ stage: 'void' });
      expect(await sweepRoundVoids(client, database.db, { olderThanS: 0 })).toBe(0);
      await staff.close();
      await cutOff.close();
    });
    expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
  });

  test('that a person has ends when a late call ends it', async () => {
    const opened = await openRound();
    answers = [() => fail('dependency-unavailable', 'silent')];
    await run(async (client) => {
      // As a run that continues another one: the day of asking is over.
      const handle = await start(client, opened, 1, { waiting: { asked: 288 } });
      await expect.poll(() => stateOf(opened.roundRef), { timeout: 20_000 }).toBe('manual');
      expect(await handle.query(getRound)).toEqual({ stage: 'with-a-person', asked: 288 });
      await undo(opened);
      expect(await stateOf(opened.roundRef)).toBe('void');
      expect(await handle.result()).toMatchObject({ stage: 'void' });
      await workflows.exportHistory(handle, 'round.ended-while-with-a-person');
    });
    expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
  });

  test('that was void and took another stake is asked about by a workflow of its own', async () => {
    const opened = await openRound();
    const again = randomUUID();
    const winId = randomUUID();
    answers = [
      () => succeed({ state: 'open' }),
      () =>
        succeed({
          state: 'finished',
          transactions: [
            {
              externalId: winId,
              referenceExternalId: again,
              kind: 'win',
              wireAmount: '900000',
              jackpotWireAmount: null,
            },
          ],
        }),
    ];
    await run(async (client) => {
      const first = await start(client, opened);
      await expect.poll(async () => (await first.query(getRound)).asked).toBe(1);
      await undo(opened);
      await stake(opened, again);
      expect(await first.result()).toMatchObject({ stage: 'reopened', asked: 1 });
      await workflows.exportHistory(first, 'round.reopened');

      const claimed = (await claimExpiredRounds(database.db, 100)).find(
        ({ roundRef }) => roundRef === opened.roundRef,
      );
      expect(claimed).toMatchObject({ opening: 2 });
      const second = await start(client, opened, claimed?.opening);
      expect(second.workflowId).toBe(`${first.workflowId}:r2`);
      expect(await second.result()).toMatchObject({ stage: 'settled' });
    });
    expect(await cashOf(opened.playerId)).toBe(String(15n * euro));
    expect(await stateOf(opened.roundRef)).toBe('settled');
  });

  test('is not ended by an answer that is older than its last stake', async () => {
    const opened = await openRound();
    const late = randomUUID();
    let stakedMeanwhile: Promise<unknown> | null = null;
    const meanwhile = async (state: 'finished' | 'void'): Promise<Result<RoundOutcome>> => {
      stakedMeanwhile ??= stake(opened, late);
      await stakedMeanwhile;
      return succeed(state === 'void' ? { state } : { state, transactions: [] });
    };
    answers = [
      () => meanwhile('void'),
      () => fail('dependency-unavailable', 'away'),
      () => meanwhile('finished'),
    ];
    await run(async (client) => {
      const handle = await start(client, opened);
      await expect.poll(async () => (await handle.query(getRound)).asked).toBeGreaterThan(0);
      expect(await handle.result()).toMatchObject({ stage: 'settled', asked: 3 });
      await workflows.exportHistory(handle, 'round.asked-again-after-a-stake');
    });
    // Nothing was given back on the word that knew of the first stake alone.
    expect(await cashOf(opened.playerId)).toBe(String(2n * euro));
    expect(await stateOf(opened.roundRef)).toBe('settled');
  });

  test('is asked about again once by a key over HTTP, raced, repeated after a lost answer, and when it was opened again', async () => {
    const opened = await openRound();
    answers = [() => fail('transaction-not-found', 'unknown')];
    await run(async (client) => {
      const staff = await openStaff(client);
      const askAgain = (key: string, reason = 'the provider is back') =>
        staff.app.send(
          'POST',
          `/admin/v1/rounds/studio/${opened.roundRef}/resolutions`,
          { playerId: opened.playerId, outcome: 'ask-again', reason },
          { token: staff.desk, key },
        );
      const first = await start(client, opened, 1, { waiting: { asked: 288 } });
      await expect.poll(() => stateOf(opened.roundRef), { timeout: 20_000 }).toBe('manual');
      expect((await askAgain('')).body['code']).toBe('idempotency-key-missing');
      const key = randomUUID();
      const raced = await Promise.all([askAgain(key), askAgain(key)]);
      expect(raced.map(({ status, body }) => ({ status, body }))).toEqual(
        raced.map(() => ({ status: 200, body: { stage: 'asking-provider' } })),
      );
      expect(await first.result()).toMatchObject({ stage: 'void', asked: 289 });
      expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
      const { rows } = await database.pool.query(
        `select reason, count(*)::int as n from compliance.audit
         where action = 'games.round.asked-again' and subject = $1 group by 1`,
        [`round:studio:${opened.roundRef}`],
      );
      expect(rows).toEqual([{ reason: 'the provider is back', n: 1 }]);
      expect((await askAgain(key, 'another reason')).body['code']).toBe('idempotency-key-reused');
      expect((await askAgain(randomUUID())).body['code']).toBe('already-decided');

      await stake(opened, randomUUID());
      const second = await start(client, opened, 2, { waiting: { asked: 288 } });
      await expect.poll(() => stateOf(opened.roundRef), { timeout: 20_000 }).toBe('manual');
      expect((await askAgain(key)).body).toEqual({ stage: 'asking-provider' });
      // As if the process had died before it kept the answer: the workflow of the first opening tells it once more.
      await database.ownerPool.query(
        `alter table compliance.keyed_act disable trigger user;
         update compliance.keyed_act set answer = null;
         alter table compliance.keyed_act enable trigger user`,
      );
      expect((await askAgain(key)).body).toEqual({ stage: 'asking-provider' });
      expect(await stateOf(opened.roundRef)).toBe('manual');
      expect(await cashOf(opened.playerId)).toBe(String(6n * euro));
      expect((await staff.approve(await staff.propose(opened))).body).toMatchObject({ state: 'carried-out' });
      expect(await second.result()).toMatchObject({ stage: 'void', asked: 288 });
      await staff.close();
    });
    expect(await cashOf(opened.playerId)).toBe(String(10n * euro));
  });

  test('is claimed by one sweep at a time', async () => {
    const opened = await openRound();
    const [a, b] = await Promise.all([
      claimExpiredRounds(database.db, 100),
      claimExpiredRounds(database.db, 100),
    ]);
    expect([...a, ...b].filter((claimed) => claimed.roundRef === opened.roundRef)).toHaveLength(1);
  });
});
