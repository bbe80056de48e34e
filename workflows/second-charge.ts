/** Starts the refund of a charge that came a second time, where the policy gives it back; shared by both deposit workflows. */
import { ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { createSecondChargeActivities, SecondChargeRefund } from '#activities/payments/second-charge.ts';
import type { createUnauthenticatedChargeActivities } from '#activities/payments/unauthenticated-charge.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { insist } from './insist.ts';
import { refundStart } from './refund.contract.ts';
import type { refund } from './refund.ts';
import { database } from './retry-profiles.ts';

const { requestSecondChargeRefund } = proxyActivities<ReturnType<typeof createSecondChargeActivities>>({
  ...database,
  taskQueue: taskQueues.money,
});

const { requestUnauthenticatedRefund } = proxyActivities<
  ReturnType<typeof createUnauthenticatedChargeActivities>
>({ ...database, taskQueue: taskQueues.money });

type Charge = { readonly depositId: string; readonly number: number };

/** False where a person has it. The refund goes on by itself; were it not started here, the sweep would. */
export const refundSecondCharge = async (charge: Charge): Promise<boolean> =>
  begin(await insist(() => requestSecondChargeRefund(charge)));

/** The same for a charge whose authentication may not be used; its deposit has then ended. */
export const refundUnauthenticated = async (charge: Charge): Promise<boolean> =>
  begin(await insist(() => requestUnauthenticatedRefund(charge)));

async function begin(asked: SecondChargeRefund | null): Promise<boolean> {
  if (asked === null) return false;
  const { workflowIdConflictPolicy: _, ...options } = refundStart(asked);
  try {
    await startChild<typeof refund>('refund', { ...options, parentClosePolicy: ParentClosePolicy.ABANDON });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return true;
}
