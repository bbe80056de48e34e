/** A round that its provider left open: ask until it is known, then settle or void it, else hand it to a person. */
import {
  allHandlersFinished,
  condition,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
  ApplicationFailure,
} from '@temporalio/workflow';
import type { createRoundActivities } from '#activities/games/rounds.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { database, providerOnce } from './retry-profiles.ts';
import {
  getRound,
  resolveRound,
  type RoundInput,
  type RoundResolution,
  type RoundView,
} from './round.contract.ts';
import { stageKey } from './search-attributes.ts';

type Activities = ReturnType<typeof createRoundActivities>;
const { readRound, settleRound, voidRound, handRoundToPerson } = proxyActivities<Activities>({
  ...database,
  taskQueue: taskQueues.play,
});
const { askProvider } = proxyActivities<Activities>({ ...providerOnce, taskQueue: taskQueues.provider });

const firstWaitMs = 5_000;
const waitMsMax = 300_000;
const askingMsMax = 24 * 3_600_000;

/** False said outright. Histories that are older than the answer have nothing there, and went on as if it were true. */
const isNot = (answer: boolean | undefined): boolean => answer === false;

export async function round(input: RoundInput): Promise<RoundView> {
  let view: RoundView = { stage: 'asking-provider', asked: 0 };
  const decisions: RoundResolution[] = [];

  setHandler(getRound, () => view);
  setHandler(
    resolveRound,
    async (decision: RoundResolution): Promise<RoundView> => {
      decisions.push(decision);
      await condition(() => decisions.length === 0);
      return view;
    },
    {
      validator: (_decision: RoundResolution): void => {
        if (view.stage !== 'with-a-person' || decisions.length > 0) {
          throw ApplicationFailure.nonRetryable('The round does not wait for a person.', 'already-decided');
        }
      },
    },
  );

  let end = await askUntilKnown();
  while (end === null) {
    moveTo('with-a-person');
    await handRoundToPerson(input);
    await condition(() => decisions.length > 0);
    const [decision] = decisions;
    if (decision?.outcome === 'void') {
      end = (await giveBack()) ?? 'reopened';
      moveTo(end);
      decisions.length = 0;
    } else {
      moveTo('asking-provider');
      decisions.length = 0;
      end = await askUntilKnown();
    }
  }
  moveTo(end);
  await condition(allHandlersFinished);
  return view;

  function moveTo(stage: RoundView['stage']): void {
    view = { ...view, stage };
    upsertSearchAttributes([{ key: stageKey, value: stage }]);
  }

  /** Null where stakes have come since the provider was asked about version `seen`. */
  async function giveBack(seen?: number): Promise<'void' | null> {
    const { over } = await voidRound(seen === undefined ? input : { ...input, seen });
    return isNot(over) ? null : 'void';
  }

  /** The round's end, or null when the provider could not tell for a day. */
  async function askUntilKnown(): Promise<'settled' | 'void' | 'reopened' | null> {
    let waitMs = firstWaitMs;
    for (let waitedMs = 0; waitedMs < askingMsMax; waitMs = Math.min(waitMs * 2, waitMsMax)) {
      const { state, opening, version } = await readRound(input);
      if (opening > (input.opening ?? 1)) return 'reopened';
      if (state === 'settled' || state === 'void') return state;
      const outcome = await askProvider(input).catch(() => null);
      view = { ...view, asked: view.asked + 1 };
      if (outcome?.state === 'finished') {
        const { transactions } = outcome;
        const { settled } = await settleRound({ round: input, transactions, seen: version });
        if (!isNot(settled)) return 'settled';
      }
      if (outcome?.state === 'void' && (await giveBack(version)) === 'void') return 'void';
      await sleep(waitMs);
      waitedMs += waitMs;
    }
    return null;
  }
}
