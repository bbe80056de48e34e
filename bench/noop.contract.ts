/** How the no-op workflow is called, shared by its worker and the benchmark. */
import { defineUpdate } from '@temporalio/workflow';

/** One of the three steps of the workflow that throughput is measured against. */
export type NoopActivities = { readonly step: (number: number) => Promise<number> };

export const noopQueue = 'bench-noop';
export const answerAtOnce = defineUpdate<string>('answerAtOnce');
