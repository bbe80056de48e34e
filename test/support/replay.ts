/** Replays recorded histories on a bundle: what is running in production must go on under the code about to ship. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { historyFromJson } from './history-json.ts';
import { testDataConverter } from './temporal-build.ts';
import { quietRuntime, unheardSinks } from './temporal-runtime.ts';

export type RecordedHistory = {
  readonly name: string;
  readonly workflowId: string;
  readonly history: History;
};

/** Files of `exportHistory`, and plain ones of `temporal workflow show --output json`. */
export function readHistories(folder: string): readonly RecordedHistory[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => {
    const recorded = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      workflowId?: string;
      history?: object;
    };
    const history = historyFromJson(recorded.history ?? recorded);
    return { name, workflowId: recorded.workflowId ?? name, history };
  });
}

/** One line for each history that the bundle cannot follow; histories of workflows still running count too. */
export async function replayFailures(
  bundlePath: string,
  recorded: readonly RecordedHistory[],
): Promise<string[]> {
  if (recorded.length === 0) return [];
  quietRuntime();
  const failures: string[] = [];
  const options = {
    workflowBundle: { codePath: bundlePath },
    dataConverter: testDataConverter,
    sinks: unheardSinks,
  };
  const results = Worker.runReplayHistories(options, recorded);
  let index = 0;
  for await (const { error } of results) {
    const name = recorded[index]?.name ?? '?';
    if (error !== undefined) failures.push(`${name}: ${error.message}`);
    index += 1;
  }
  if (index !== recorded.length) failures.push(`${recorded.length - index} histories were not replayed`);
  return failures;
}
