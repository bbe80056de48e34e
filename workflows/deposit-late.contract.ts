/** Looks after a charge that was closed as failed and that a PSP speaks of later, when the deposit's workflow is over. */
import { taskQueues } from '#domain/task-queues.ts';

export const depositLateWorkflowId = (depositId: string, attempt: number) => `deposit-late:${depositId}:a${attempt}` as const;

export const depositLateQueue = taskQueues.money;

export type DepositLateInput = {
  readonly depositId: string;
  readonly attempt: number;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};
