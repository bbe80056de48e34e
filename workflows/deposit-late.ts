/** Asks whether a closed attempt took money after all, and credits it if nothing else was. */
import { condition, patched, proxyActivities, setHandler } from '@temporalio/workflow';
import type { createDepositAttemptActivities } from '#activities/payments/deposit-attempts.ts';
import type { createDepositActivities } from '#activities/payments/deposit-outcomes.ts';
import { hasTakenMoney } from '#domain/payments/attempt-state.ts';
import { outcomeBudgetMs, pollPauseMs } from '#domain/payments/budgets.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { depositLateNotified, type DepositLateInput } from './deposit-late.contract.ts';
import { insist } from './insist.ts';
import { database, provider } from './retry-profiles.ts';
import { refundSecondCharge } from './second-charge.ts';

const { refreshAttempt } = proxyActivities<ReturnType<typeof createDepositAttemptActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});
const { captureDeposit } = proxyActivities<ReturnType<typeof createDepositActivities>>({
  ...database,
  taskQueue: taskQueues.money,
});

/** A PSP may tell of a success before its own status does. */
const pausesMs = [60_000, 10 * 60_000, 3_600_000];
/** While its answers do not come, it is asked for as long as any outcome is waited for. */
const unclearPauseMsMax = 3_600_000;

export async function depositLate(
  input: DepositLateInput,
): Promise<'credited' | 'duplicate' | 'refunded' | 'nothing'> {
  const at = { depositId: input.depositId, number: input.attempt };
  const startedAtMs = Date.now();
  let isTold = false;
  setHandler(depositLateNotified, () => {
    isTold = true;
  });
  if (!(await findMoney())) return 'nothing';
  const outcome = await insist(() => captureDeposit(at));
  if (outcome.kind === 'captured') return 'credited';
  if (outcome.kind !== 'elsewhere' || !patched('second-charge')) return 'duplicate';
  return (await refundSecondCharge(at)) ? 'refunded' : 'duplicate';

  /** A clear no is asked about a few times more, and anew with every notice; an answer that does not come, for long. */
  async function findMoney(): Promise<boolean> {
    let noes = 0;
    let unclear = 0;
    for (;;) {
      isTold = false;
      const { state, isUnclear = false } = await insist(() => refreshAttempt(at));
      if (hasTakenMoney(state)) return true;
      if (!patched('asked-again')) return false;
      const pauseMs = isUnclear ? pollPauseMs(unclear, unclearPauseMsMax) : pausesMs[noes];
      if (pauseMs === undefined || Date.now() - startedAtMs > outcomeBudgetMs) return false;
      if (isUnclear) unclear += 1;
      else noes += 1;
      await condition(() => isTold, pauseMs);
    }
  }
}
