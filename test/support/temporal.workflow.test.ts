import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { fail, FailureError } from '#domain/failures.ts';
import { stageKey } from '#workflows/search-attributes.ts';
import { createWorkflowEnvironment, describeWorkflows, type WorkflowEnvironment } from './temporal.ts';
import { historyFromJson, historyToJson } from './history-json.ts';
import { replayFailures } from './replay.ts';
import { buildTestWorkflows } from './temporal-build.ts';
import type { probe } from './probe.workflow.ts';

describeWorkflows('the workflow test environment', () => {
  let workflows: WorkflowEnvironment;
  let workflowBundle: string;
  const historiesIn = mkdtempSync(join(inject('runFolder'), 'probe-'));

  beforeAll(async () => {
    workflows = await createWorkflowEnvironment({ historiesIn });
    workflowBundle = await buildTestWorkflows(
      join(inject('runFolder'), 'probe-workflows.js'),
      fileURLToPath(new URL('./probe.workflow.ts', import.meta.url)),
    );
  }, 60_000);

  afterAll(async () => {
    await workflows.close();
  });

  test('a month passes in seconds, and activities run on the queue that was named for them', async () => {
    const activities = { money: {}, provider: { askProbe: async () => ({ answer: 'yes' }) } };
    const answer = await workflows.runWorkflows({ activities, workflowBundle }, (client) =>
      client.workflow.execute<typeof probe>('probe', {
        args: ['?'],
        taskQueue: 'money',
        workflowId: 'probe:1',
        typedSearchAttributes: [{ key: stageKey, value: 'waiting' }],
      }),
    );
    expect(answer).toBe('yes');
    const history = await workflows.client.workflow.getHandle('probe:1').fetchHistory();
    expect(history.events?.some((event) => event.timerFiredEventAttributes)).toBe(true);
  });

  test('an expected failure of an activity reaches the workflow under its code and is not retried', async () => {
    let calls = 0;
    const askProbe = async () => {
      calls += 1;
      throw new FailureError(fail('not-found', 'There is no such thing.').failure);
    };
    const failure = await workflows
      .runWorkflows({ activities: { money: {}, provider: { askProbe } }, workflowBundle }, (client) =>
        client.workflow.execute<typeof probe>('probe', {
          args: ['?'],
          taskQueue: 'money',
          workflowId: 'probe:2',
        }),
      )
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    const cause = failure instanceof WorkflowFailedError ? failure.cause?.cause : undefined;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause instanceof ApplicationFailure ? cause.type : '').toBe('not-found');
    expect(calls).toBe(1);
  });

  test('the replay follows the code that made a history, and refuses code that does its steps in another order', async () => {
    const history = await workflows.client.workflow.getHandle('probe:1').fetchHistory();
    const recorded = [
      { name: 'probe', workflowId: 'probe:1', history: historyFromJson(historyToJson(history)) },
    ];
    expect(await replayFailures(workflowBundle, recorded)).toEqual([]);
    const reordered = await buildTestWorkflows(
      join(inject('runFolder'), 'reordered-workflows.js'),
      fileURLToPath(new URL('./probe-reordered.workflow.ts', import.meta.url)),
    );
    expect(await replayFailures(reordered, recorded)).toEqual([expect.stringMatching(/nondeterminism/i)]);
  });

  test('the histories of a file are kept for the replay', async () => {
    const other = await createWorkflowEnvironment({ historiesIn });
    await other.runWorkflows(
      { activities: { money: {}, provider: { askProbe: async () => ({ answer: 'no' }) } }, workflowBundle },
      (client) =>
        client.workflow.execute<typeof probe>('probe', {
          args: ['?'],
          taskQueue: 'money',
          workflowId: 'probe:3',
        }),
    );
    await other.close();
    expect(readdirSync(historiesIn).length).toBe(1);
  }, 60_000);

  test('what a test in a time-out has left running ends with its environment', async () => {
    const create = vi.spyOn(Worker, 'create');
    const other = await createWorkflowEnvironment({ historiesIn });
    const given = Promise.withResolvers<void>();
    const hanging = other.runWorkflows({ activities: { money: {}, play: {} }, workflowBundle }, () => {
      given.resolve();
      return new Promise(() => {});
    });
    await given.promise;
    await Promise.all([other.close(), expect(hanging).rejects.toThrow('after Worker completed shutdown')]);
    const workers = await Promise.all(create.mock.results.map(({ value }) => value as Promise<Worker>));
    create.mockRestore();
    expect(workers.map((worker) => worker.getState())).toEqual(['STOPPED', 'STOPPED']);
  }, 60_000);
});
