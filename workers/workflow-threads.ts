/**
 * Loaded by `--import` before the worker (`workflowThreadArgs`), and so in each of its workflow threads. For the query of
 * stack traces the SDK takes and formats a stack for every promise that a workflow makes, whether anybody ever asks or
 * not; that was a third of what the threads did.
 */
import v8 from 'node:v8';
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) v8.promiseHooks.createHook = () => () => {};
