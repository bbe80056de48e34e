/** Arguments of Node for a process that runs workflows in threads. */
import type { Environment } from './config.ts';

/** None with `WORKFLOW_STACK_TRACES=on`, for a worker whose workflows somebody wants to look into. */
export const workflowThreadArgs = (environment: Environment): readonly string[] =>
  environment['WORKFLOW_STACK_TRACES'] === 'on'
    ? []
    : [`--import=${new URL('./workflow-threads.ts', import.meta.url).href}`];
