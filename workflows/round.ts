/** A round that its provider left open: ask until it is known, then settle or void it, else hand it to a person. */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
  ApplicationFailure,
} from '@temporalio/workflow';
import type { createRoundActivities } from '#activities/games/rounds.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { insist } from './insist.ts';
import { roundLookedAtAgain } from './patches.ts';
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

/** While a person has the round: how often its row is looked at, since a late call may have ended it. */
const firstLookMs = 600_000;
const lookMsMax = 6 * 3_600_000;
/** One run's looks, about two months of them; then the next run goes on waiting. */
const looksMax = 250;

/** False said outright. Histories that are older than the answer have nothing there, and went on as if it were true. */
const isNot = (answer: boolean | undefined): boolean => answer === false;

type End = 'settled' | 'void' | 'reopened';

export async function round(input: RoundInput): Promise<RoundView> {
  let view: RoundView = { stage: 'asking-provider', asked: input.waiting?.asked ?? 0 };
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
      validator: ({ outcome, proposalId }: RoundResolution): void => {
        if (outcome === 'void' && proposalId === undefined)
          throw ApplicationFailure.nonRetryable(
            'A void takes a proposal and a second person.',
            'invalid-request',
          );
        if (view.stage !== 'with-a-person' || decisions.length > 0) {
          throw ApplicationFailure.nonRetryable('The round does not wait for a person.', 'already-decided');
        }
      },
    },
  );

  let end = input.waiting ? null : await askUntilKnown();
  while (end === null) {
    moveTo('with-a-person');
    await insist(() => handRoundToPerson(input));
    const ended = await waitForPerson();
    if (ended !== null) {
      end = ended;
      break;
    }
    const [decision] = decisions;
    if (decision?.outcome === 'void') {
      const { over, refused } = await insist(() =>
        voidRound({ ...input, proposalId: decision.proposalId ?? null }),
      );
      // The round is not what two people saw: it waits for a person as before.
      end = refused === true ? null : isNot(over) ? 'reopened' : 'void';
      if (end !== null) moveTo(end);
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

  /** The round's end where something else has ended it; null where a person has decided. */
  async function waitForPerson(): Promise<End | null> {
    const isDecided = () => decisions.length > 0;
    if (!patched(roundLookedAtAgain)) {
      await condition(isDecided);
      return null;
    }
    let lookMs = firstLookMs;
    for (let looks = 0; looks < looksMax; looks += 1) {
      if (await condition(isDecided, lookMs)) return null;
      const ended = endOf(await insist(() => readRound(input)));
      // Who has decided meanwhile is answered by the decision's own path, which finds the round as it is.
      if (isDecided()) return null;
      if (ended !== null) return ended;
      lookMs = Math.min(lookMs * 2, lookMsMax);
    }
    await condition(allHandlersFinished);
    if (isDecided()) return null;
    return continueAsNew<typeof round>({ ...input, waiting: { asked: view.asked } });
  }

  function endOf({ state, opening }: Awaited<ReturnType<typeof readRound>>): End | null {
    if (opening > (input.opening ?? 1)) return 'reopened';
    return state === 'settled' || state === 'void' ? state : null;
  }

  /** Null where stakes have come since the provider was asked about version `seen`. */
  async function giveBack(seen: number): Promise<'void' | null> {
    const { over } = await insist(() => voidRound({ ...input, seen }));
    return isNot(over) ? null : 'void';
  }

  /** The round's end, or null when the provider could not tell for a day. */
  async function askUntilKnown(): Promise<End | null> {
    let waitMs = firstWaitMs;
    for (let waitedMs = 0; waitedMs < askingMsMax; waitMs = Math.min(waitMs * 2, waitMsMax)) {
      const row = await insist(() => readRound(input));
      const ended = endOf(row);
      if (ended !== null) return ended;
      const outcome = await askProvider(input).catch(() => null);
      view = { ...view, asked: view.asked + 1 };
      if (outcome?.state === 'finished') {
        const { transactions } = outcome;
        const { settled } = await insist(() =>
          settleRound({ round: input, transactions, seen: row.version }),
        );
        if (!isNot(settled)) return 'settled';
      }
      if (outcome?.state === 'void' && (await giveBack(row.version)) === 'void') return 'void';
      await sleep(waitMs);
      waitedMs += waitMs;
    }
    return null;
  }
}
