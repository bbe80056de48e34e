/** The `round` workflow on a real ledger under skipped time: asked, settled, voided, handed to a person. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { createRoundActivities } from '#activities/games/rounds.ts';
import { claimExpiredRounds } from '#activities/games/guard.ts';
import type { GameProvider, RoundOutcome } from '#activities/games/providers.ts';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { postCommand, postTransfer } from '#activities/wallet/post.ts';
import { fail, orThrow, succeed, type Result } from '#domain/failures.ts';
import type { round } from '#workflows/round.ts';
import { getRound, resolveRound, roundWorkflowId } from '#workflows/round.contract.ts';
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
let answers: (() => Result<RoundOutcome>)[] = [];
const provider: GameProvider = {
  launchUrl: () => Promise.resolve(fail('dependency-unavailable', 'not asked in this test')),
  roundOutcome: () =>
    Promise.resolve((answers.length > 1 ? answers.shift() : answers[0])?.() ?? succeed({ state: 'open' })),
};

async function openRound(): Promise<{ playerId: string; roundRef: string; betId: string }> {
  const playerId = randomUUID();
  const roundRef = randomUUID();
  const betId = randomUUID();
  await database.db.transaction().execute(async (trx) => {
    await openWallet(trx, { playerId, asset: 'EUR', brand: 'aurora', jurisdiction: 'MT' });
    orThrow(
      await postTransfer(trx, {
        key: `deposit:${playerId}:capture`,
        playerId,
        asset: 'EUR',
        amount: 10n * euro,
        subject: `deposit:${playerId}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      }),
    );
    const facts = { playerId, asset: 'EUR', game: 'slot', round: roundRef };
    orThrow(
      await postCommand(trx, {
        kind: 'bet',
        key: { integration: 'studio', externalId: betId },
        ...facts,
        roundClosed: false,
        fingerprint: gameFingerprint({ ...facts, kind: 'bet', amount: 4n * euro, reference: null }),
        amount: 4n * euro,
        sessionIssuedAtMs: Date.now(),
        sessionExpiresAtMs: Date.now() + 3_600_000,
        contributionBps: 10_000,
        guardMs: 1,
      }),
    );
  });
  return { playerId, roundRef, betId };
}

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

async function start(client: Client, opened: { playerId: string; roundRef: string }) {
  const input = {
    integration: 'studio',
    roundRef: opened.roundRef,
    playerId: opened.playerId,
    brand: 'aurora',
    asset: 'EUR',
  };
  return client.workflow.start<typeof round>('round', {
    workflowId: roundWorkflowId(input),
    taskQueue: 'play',
    args: [input],
  });
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
        { externalId: opened.betId, referenceExternalId: null, kind: 'bet', wireAmount: '400000' },
        { externalId: winId, referenceExternalId: opened.betId, kind: 'win', wireAmount: '900000' },
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
      const decision = { operatorId: randomUUID(), outcome: 'void' } as const;
      await expect(handle.executeUpdate(resolveRound, { args: [decision] })).rejects.toThrow(
        WorkflowUpdateFailedError,
      );
      await workflows.env.sleep('25 hours');
      expect(await handle.query(getRound)).toMatchObject({ stage: 'with-a-person' });
      expect(await stateOf(opened.roundRef)).toBe('manual');
      expect(await handle.executeUpdate(resolveRound, { args: [decision] })).toMatchObject({ stage: 'void' });
      await handle.result();
      await workflows.exportHistory(handle, 'round.decided-by-a-person');
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
