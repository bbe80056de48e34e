/** Runs inside the workflow sandbox: tells the worker how each run ended, so that outcomes can be counted. */
import { ContinueAsNew, isCancellation, proxySinks, workflowInfo } from '@temporalio/workflow';
import type { Sinks, WorkflowInterceptors } from '@temporalio/workflow';

export type RunOutcome = 'completed' | 'failed' | 'cancelled' | 'continued-as-new';

export interface OutcomeSinks extends Sinks {
  outcomes: { ended(workflow: string, outcome: RunOutcome): void };
}

const { outcomes } = proxySinks<OutcomeSinks>();

const outcomeOf = (error: unknown): RunOutcome =>
  error instanceof ContinueAsNew ? 'continued-as-new' : isCancellation(error) ? 'cancelled' : 'failed';

export const interceptors = (): WorkflowInterceptors => ({
  inbound: [
    {
      async execute(input, next) {
        try {
          const result = await next(input);
          outcomes.ended(workflowInfo().workflowType, 'completed');
          return result;
        } catch (error) {
          outcomes.ended(workflowInfo().workflowType, outcomeOf(error));
          throw error;
        }
      },
    },
  ],
});
