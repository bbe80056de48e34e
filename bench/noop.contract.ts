/** How the no-op workflow is called, shared by its worker and the benchmark. */
import { defineUpdate } from '@temporalio/workflow';

export const noopQueue = 'bench-noop';
export const answerAtOnce = defineUpdate<string>('answerAtOnce');
