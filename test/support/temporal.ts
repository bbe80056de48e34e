/**
 * Workflows under a server that skips time, with the production bundle and data converter; every history a test makes
 * is kept for the replay at the end of the run.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { describe, inject } from 'vitest';
import { taskQueues, type TaskQueue } from '#domain/task-queues.ts';
import { translateFailures } from '#workers/interceptors.ts';
import { searchAttributes } from '#platform/temporal.ts';
import { patientStarts } from './busy-server.ts';
import { testDataConverter } from './temporal-build.ts';
import { createHistoryRecorder, recordScenario } from './histories.ts';
import { quietRuntime, unheardSinks } from './temporal-runtime.ts';

export type QueueActivities = { readonly [Q in TaskQueue]?: object };

export type WorkflowRunOptions = {
  /**
   * Activities by the queue that production runs them on; each named queue gets a worker that also runs workflows,
   * but for `provider`, on which no contract starts any.
   * A queue that is not named has no worker, so a call to it waits, as it would in production.
   */
  readonly activities: QueueActivities;
  /** Path of another bundle than the run's; for tests of this support only. */
  readonly workflowBundle?: string;
};

export type WorkflowEnvironment = {
  readonly env: TestWorkflowEnvironment;
  /** Skips time while it waits for a result; also to be given to whatever starts workflows in the test. */
  readonly client: Client;
  /** Starts the workers, runs `fn`, and stops them when it ends, whichever way. */
  runWorkflows<T>(options: WorkflowRunOptions, fn: (client: Client) => Promise<T>): Promise<T>;
  /** Names the scenario `<workflow>.<scenario>`; with RECORD_HISTORIES=1 its history is written to the replay corpus. */
  exportHistory(handle: Pick<WorkflowHandle, 'workflowId' | 'fetchHistory'>, scenario: string): Promise<void>;
  /** Keeps the histories for the replay and stops the server; call it in `afterAll`. */
  close(): Promise<void>;
};

const isServerRequired = process.env['CI'] === 'true' || process.env['PITBOSS_REQUIRE_TEST_SERVER'] === '1';

/**
 * Describes tests that need the time-skipping server. Where there is none, they fail in `npm test` and in CI, and are
 * skipped in a run of single files and by `npm test -- --without-test-server`.
 */
export const describeWorkflows =
  inject('temporalTestServer') === null && !isServerRequired ? describe.skip : describe;

/** One per test file, in `beforeAll` with a timeout of 60 s. `historiesIn` keeps its histories out of the run's replay. */
export async function createWorkflowEnvironment(
  options: { readonly historiesIn?: string } = {},
): Promise<WorkflowEnvironment> {
  const path = inject('temporalTestServer');
  if (path === null)
    throw new Error(
      'There is no time-skipping Temporal server, and the start of the run says why. `npm test -- --without-test-server` does without these tests.',
    );
  quietRuntime();
  const recorder = createHistoryRecorder(options.historiesIn ?? join(inject('runFolder'), 'histories'));
  const env = await startPatiently(() =>
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
      client: {
        identity: 'pitboss-test',
        dataConverter: testDataConverter,
        interceptors: { workflow: [recorder.interceptor, patientStarts] },
      },
    }),
  );
  await registerKeywords(env);
  const running = new Set<Worker>();
  return {
    env,
    client: env.client,
    runWorkflows: (options, fn) => runWithWorkers({ env, running }, options, fn),
    exportHistory: (handle, scenario) => recordScenario(inject('runFolder'), handle, scenario),
    close: async () => {
      try {
        await recorder.keepHistories(env.client);
      } finally {
        await endWorkers(running);
        await env.teardown();
      }
    },
  };
}

/** Within the minute that a file has for its start. */
const startAttemptsMax = 9;
/** Above `shutdownForceTime`. */
const endWithinMs = 20_000;

/** The SDK gives the server five seconds, which a busy machine may need for the Java program alone. */
async function startPatiently<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      const isSlow = error instanceof Error && error.message.includes('did not start within');
      if (!isSlow || attempt === startAttemptsMax) throw error;
    }
  }
}

/** The test server knows how to add attributes, but not how to list them. */
async function registerKeywords(env: TestWorkflowEnvironment): Promise<void> {
  const keywordType = 2;
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: Object.fromEntries(searchAttributes.map((name) => [name, keywordType])),
  });
}

async function runWithWorkers<T>(
  { env, running }: { readonly env: TestWorkflowEnvironment; readonly running: Set<Worker> },
  options: WorkflowRunOptions,
  fn: (client: Client) => Promise<T>,
): Promise<T> {
  const workflowBundle = { codePath: options.workflowBundle ?? inject('workflowBundle') };
  const workers = await Promise.all(
    Object.entries(options.activities).map(([taskQueue, activities]) =>
      Worker.create({
        connection: env.nativeConnection,
        namespace: env.namespace ?? 'default',
        taskQueue,
        identity: 'pitboss-test',
        ...(taskQueue === taskQueues.provider ? {} : { workflowBundle }),
        // Workflows run in the same V8 contexts as always, but without a thread of their own: half a second less to
        // start each worker. The end-to-end tests run them on threads.
        debugMode: true,
        activities,
        dataConverter: testDataConverter,
        sinks: unheardSinks,
        interceptors: { activity: [translateFailures] },
        shutdownGraceTime: '2 s',
        // Above the ten seconds for which the SDK says an answer again that a busy server did not take.
        shutdownForceTime: '15 s',
        // Otherwise each worker digests the whole bundle to find a name for it.
        buildId: 'test',
      }),
    ),
  );
  for (const worker of workers) running.add(worker);
  // From the inside out: `fn` runs while every worker polls.
  const run = workers.reduce<() => Promise<T>>(
    (inner, worker) => () => worker.runUntil(inner),
    () => fn(env.client),
  );
  const value = await run();
  for (const worker of workers) running.delete(worker);
  return value;
}

/**
 * Workers of a test that was given up by its time-out: left alone they would ask for ever for the tasks of a server that
 * is gone, and hinder every file after it in this process.
 */
async function endWorkers(running: ReadonlySet<Worker>): Promise<void> {
  const isOver = (worker: Worker) => ['STOPPED', 'FAILED'].includes(worker.getState());
  for (const worker of running) if (worker.getState() === 'RUNNING') worker.shutdown();
  for (const deadline = Date.now() + endWithinMs; Date.now() < deadline; await delay(50))
    if ([...running].every(isOver)) return;
}
