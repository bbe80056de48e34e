/**
 * A charge that is answered after its player was told to wait, on a real server: the call is made inside the workflow's
 * task, and what both leave in the history must be played again in the same order.
 */
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';
import { depositInputOf } from '#activities/payments/payment-rows.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { translateFailures } from '#workers/interceptors.ts';
import { beginDeposit, depositStart, depositWorkflowId } from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import { createTestDatabase } from './support/database.ts';
import { startDevTemporal } from './support/dev-temporal.ts';
import { replayFailures } from './support/replay.ts';
import { testDataConverter } from './support/temporal-build.ts';
import { quietRuntime, unheardSinks } from './support/temporal-runtime.ts';
import {
  approved,
  askDeposit,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  unknown,
} from './workflows/payment-world.ts';

/** The answer is waited for 15 s from the first heartbeat of the task, which is 8 s after its start. */
const callMs = 25_000;

test('a deposit whose charge outlasts the wait for its answer can be played again from its history', async () => {
  const [database, temporal] = await Promise.all([createTestDatabase(), startDevTemporal()]);
  quietRuntime();
  const alpha = scriptedPsp('alpha');
  alpha.play({
    authorise: [
      (): Promise<PspOutcome> => new Promise((answer) => setTimeout(() => answer(unknown()), callMs)),
    ],
    status: [approved],
  });
  const { address, namespace } = temporal;
  const nativeConnection = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  try {
    await seedWorld(database.db);
    const row = await askDeposit(database.db, await makePlayer(database.db));
    const client = new Client({ connection, namespace, dataConverter: testDataConverter });
    const workers = await Promise.all(
      Object.entries(paymentActivities(database.db, new Map([['alpha', alpha]]))).map(
        ([taskQueue, activities]) =>
          Worker.create({
            connection: nativeConnection,
            namespace,
            taskQueue,
            activities,
            workflowBundle: { codePath: inject('workflowBundle') },
            dataConverter: testDataConverter,
            sinks: unheardSinks,
            interceptors: { activity: [translateFailures] },
          }),
      ),
    );
    const run = workers.reduce<() => Promise<unknown>>(
      (inner, worker) => () => worker.runUntil(inner),
      async () => {
        const told = await client.workflow.executeUpdateWithStart(beginDeposit, {
          startWorkflowOperation: new WithStartWorkflowOperation<typeof deposit>(
            'deposit',
            depositStart(depositInputOf(row)),
          ),
        });
        expect(told).toMatchObject({ state: 'requested' });
        const handle = client.workflow.getHandle<typeof deposit>(depositWorkflowId(row.id));
        expect(await handle.result()).toMatchObject({ state: 'captured' });
      },
    );
    await run();
    const workflowId = depositWorkflowId(row.id);
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    expect(await replayFailures(inject('workflowBundle'), [{ name: 'slow', workflowId, history }])).toEqual(
      [],
    );
  } finally {
    await Promise.all([connection.close(), nativeConnection.close()]);
    await temporal.stop();
    await database.drop();
  }
}, 180_000);
