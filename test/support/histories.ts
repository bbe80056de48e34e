/** Keeps the history of every workflow a test starts, so that the run can end by replaying them all on the bundle. */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowClientInterceptor, WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { historyToJson } from './history-json.ts';

export const corpusFolder = fileURLToPath(new URL('../replay/histories/', import.meta.url));
const projectFolder = fileURLToPath(new URL('../../', import.meta.url));
const scenarioForm = /^[a-z]+(?:-[a-z0-9]+)*\.[a-z0-9]+(?:-[a-z0-9]+)*$/;

type Execution = { readonly workflowId: string; readonly runId: string | undefined };

export type HistoryRecorder = {
  readonly interceptor: WorkflowClientInterceptor;
  /** Fetches what was started, with children and former runs, into the folder. */
  keepHistories(client: Client): Promise<void>;
};

export function createHistoryRecorder(folder: string): HistoryRecorder {
  const started = new Set<string>();
  return {
    interceptor: {
      startWithDetails: (input, next) => {
        started.add(input.options.workflowId);
        return next(input);
      },
      signalWithStart: (input, next) => {
        started.add(input.options.workflowId);
        return next(input);
      },
      startUpdateWithStart: (input, next) => {
        started.add(input.workflowStartOptions.workflowId);
        return next(input);
      },
    },
    keepHistories: async (client) => {
      const queue = [...started].map((workflowId): Execution => ({ workflowId, runId: undefined }));
      const seen = new Set<string>();
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const key = `${next.workflowId} ${next.runId ?? ''}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const history = await fetchUnlessNeverStarted(client, next);
        if (history === undefined) continue;
        writeFileSync(join(folder, `${digest(key)}.json`), historyFile(next.workflowId, history));
        queue.push(...relatives(next.workflowId, history));
      }
    },
  };
}

/**
 * Notes that a test plays this scenario; the replay project fails for a noted scenario without a file in the corpus.
 * With RECORD_HISTORIES=1 a missing file is written, with `all` every file.
 */
export async function recordScenario(
  runFolder: string,
  handle: Pick<WorkflowHandle, 'workflowId' | 'fetchHistory'>,
  scenario: string,
): Promise<void> {
  if (!scenarioForm.test(scenario))
    throw new Error(`"${scenario}" is not <workflow>.<scenario> in kebab-case`);
  appendFileSync(join(runFolder, 'scenarios.txt'), `${scenario}\n`);
  const record = process.env['RECORD_HISTORIES'];
  const file = join(corpusFolder, `${scenario}.json`);
  if (record !== 'all' && (record !== '1' || existsSync(file))) return;
  mkdirSync(corpusFolder, { recursive: true });
  writeFileSync(file, historyFile(handle.workflowId, await handle.fetchHistory()));
}

/** Paths of this machine come in through stack traces, which replay does not look at. */
function historyFile(workflowId: string, history: History): string {
  const json = JSON.stringify({ workflowId, history: historyToJson(history) }, null, 1);
  return `${json.replaceAll(`file://${projectFolder}`, '').replaceAll(projectFolder, '')}\n`;
}

async function fetchUnlessNeverStarted(client: Client, execution: Execution): Promise<History | undefined> {
  try {
    return await client.workflow.getHandle(execution.workflowId, execution.runId).fetchHistory();
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return undefined;
    throw error;
  }
}

/** Children that were started, and the run this one continues. */
function relatives(workflowId: string, history: History): Execution[] {
  return (history.events ?? []).flatMap((event): Execution[] => {
    const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId;
    if (child !== undefined && child !== null) return [{ workflowId: child, runId: undefined }];
    const former = event.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    return former ? [{ workflowId, runId: former }] : [];
  });
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);
