/** The anchors of the deposit benchmarks: an update that answers at once, and three activities that do nothing. */
import { allHandlersFinished, condition, proxyActivities, setHandler } from '@temporalio/workflow';
import { answerAtOnce, type NoopActivities } from './noop.contract.ts';

const { step } = proxyActivities<NoopActivities>({ startToCloseTimeout: '10 s' });

export async function noop(): Promise<string> {
  let isAnswered = false;
  setHandler(answerAtOnce, () => {
    isAnswered = true;
    return 'done';
  });
  await condition(() => isAnswered && allHandlersFinished());
  return 'over';
}

export async function threeSteps(): Promise<number> {
  return (await step(1)) + (await step(2)) + (await step(3));
}
