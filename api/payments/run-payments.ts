/** From a route to a payment's workflow and back; where the workflow has ended, the database has the answer. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import { withdrawalInputOf, type WithdrawalRow } from '#activities/payments/payment-rows.ts';
import { fail, FailureError } from '#domain/failures.ts';
import {
  beginDeposit,
  completeAction,
  depositStart,
  depositWorkflowId,
  type DepositInput,
} from '#workflows/deposit.contract.ts';
import type { deposit } from '#workflows/deposit.ts';
import {
  beginWithdrawal,
  cancelWithdrawal,
  decideWithdrawal,
  withdrawalStart,
  withdrawalWorkflowId,
  type DecisionInput,
} from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';
import type { ApiDeps } from '../context.ts';
import { unlessOver } from '../workflow-failures.ts';

type RunDeps = Pick<ApiDeps, 'temporal' | 'db' | 'depositNews'>;

/**
 * Waits until there is a next action or an end; throws `dependency-unavailable` while Temporal is away. An outcome is
 * committed before its workflow can answer, so news of it spare the player the rest of the workflow's task. The
 * deposit's row may still be on its way: its workflow looks for it before it does anything.
 */
export async function runDeposit(deps: RunDeps, input: DepositInput): Promise<void> {
  const client = await deps.temporal();
  const news = deps.depositNews?.listen(input.depositId);
  const answered = unlessOver(() =>
    client.workflow.executeUpdateWithStart(beginDeposit, {
      startWorkflowOperation: new WithStartWorkflowOperation<typeof deposit>('deposit', depositStart(input)),
    }),
  );
  try {
    await Promise.race(news === undefined ? [answered] : [answered, news.heard]);
  } finally {
    news?.stop();
    // After the news nobody waits for the answer; what it would have said is in the row.
    answered.catch(() => {});
  }
}

/** Says that the player is back; a deposit that went on by itself needs no telling. */
export async function resumeDeposit(deps: RunDeps, depositId: string): Promise<void> {
  const client = await deps.temporal();
  try {
    await unlessOver(() =>
      client.workflow.getHandle(depositWorkflowId(depositId)).executeUpdate(completeAction),
    );
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === 'deposit-not-awaiting-action') return;
    throw error;
  }
}

/** Waits for the checks. */
export async function runWithdrawal(deps: RunDeps, row: WithdrawalRow): Promise<void> {
  const client = await deps.temporal();
  await unlessOver(() =>
    client.workflow.executeUpdateWithStart(beginWithdrawal, {
      startWorkflowOperation: new WithStartWorkflowOperation<typeof withdrawal>(
        'withdrawal',
        withdrawalStart(withdrawalInputOf(row)),
      ),
    }),
  );
}

/** Failures: `withdrawal-not-pending`, `already-decided`, `own-approval`. */
export async function sendDecision(
  deps: RunDeps,
  withdrawalId: string,
  updateId: string,
  decision: DecisionInput,
): Promise<void> {
  const client = await deps.temporal();
  const isRunning = await unlessOver(() =>
    client.workflow
      .getHandle(withdrawalWorkflowId(withdrawalId))
      .executeUpdate(decideWithdrawal, { updateId, args: [decision] }),
  );
  if (isRunning) return;
  // A repeat of a decision that was written is answered with the row; anything else came too late.
  const written = await deps.db
    .selectFrom('payments.withdrawalApproval')
    .select('decision')
    .where('withdrawalId', '=', withdrawalId)
    .where('operatorId', '=', decision.operatorId)
    .executeTakeFirst();
  if (written?.decision !== decision.decision) throw notPending();
}

/** Failure: `withdrawal-not-pending`. */
export async function sendCancellation(deps: RunDeps, withdrawalId: string): Promise<void> {
  const client = await deps.temporal();
  const isRunning = await unlessOver(() =>
    client.workflow.getHandle(withdrawalWorkflowId(withdrawalId)).executeUpdate(cancelWithdrawal),
  );
  if (isRunning) return;
  const row = await deps.db
    .selectFrom('payments.withdrawal')
    .select('state')
    .where('id', '=', withdrawalId)
    .executeTakeFirst();
  if (row?.state !== 'cancelled') throw notPending();
}

const notPending = (): FailureError =>
  new FailureError(fail('withdrawal-not-pending', 'The withdrawal has ended or is on its way.').failure);
