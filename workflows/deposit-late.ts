/** Asks whether a closed attempt took money after all, and credits it if nothing else was. */
import { patched, proxyActivities } from '@temporalio/workflow';
import type { createDepositAttemptActivities } from '#activities/payments/deposit-attempts.ts';
import type { createDepositActivities } from '#activities/payments/deposit-outcomes.ts';
import { taskQueues } from '#domain/task-queues.ts';
import type { DepositLateInput } from './deposit-late.contract.ts';
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

export async function depositLate(
  input: DepositLateInput,
): Promise<'credited' | 'duplicate' | 'refunded' | 'nothing'> {
  const attempt = await refreshAttempt({ depositId: input.depositId, number: input.attempt });
  if (attempt.state !== 'late_approved' && attempt.state !== 'approved') return 'nothing';
  const outcome = await captureDeposit({ depositId: input.depositId, number: input.attempt });
  if (outcome.kind === 'captured') return 'credited';
  if (outcome.kind !== 'elsewhere' || !patched('second-charge')) return 'duplicate';
  return (await refundSecondCharge({ depositId: input.depositId, number: input.attempt }))
    ? 'refunded'
    : 'duplicate';
}
