/** The anchor of the deposit benchmark: an update that answers at once, and nothing else. */
import { allHandlersFinished, condition, setHandler } from '@temporalio/workflow';
import { answerAtOnce } from './noop.contract.ts';

export async function noop(): Promise<string> {
  let isAnswered = false;
  setHandler(answerAtOnce, () => {
    isAnswered = true;
    return 'done';
  });
  await condition(() => isAnswered && allHandlersFinished());
  return 'over';
}
