/** Asks whether a closed attempt took money after all, and credits it if nothing else was. */
import { proxyActivities } from '@temporalio/workflow';
import type { createDepositAttemptActivities } from '#activities/payments/deposit-attempts.ts';
import type { createDepositActivities } from '#activities/payments/deposit-outcomes.ts';
import { taskQueues } from '#domain/task-queues.ts';
import type { DepositLateInput } from './deposit-late.contract.ts';
import { database, provider } from './retry-profiles.ts';

const { refreshAttempt } = proxyActivities<ReturnType<typeof createDepositAttemptActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});
const { captureDeposit } = proxyActivities<ReturnType<typeof createDepositActivities>>({
  ...database,
  taskQueue: taskQueues.money,
});

export async function depositLate(input: DepositLateInput): Promise<'credited' | 'duplicate' | 'nothing'> {
  const attempt = await refreshAttempt({ depositId: input.depositId, number: input.attempt, ageMs: 0 });
  if (attempt.state !== 'late_approved' && attempt.state !== 'approved') return 'nothing';
  const outcome = await captureDeposit({ depositId: input.depositId, number: input.attempt });
  return outcome.kind === 'captured' ? 'credited' : 'duplicate';
}
