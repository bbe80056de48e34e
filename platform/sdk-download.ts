/**
 * Lets the Temporal SDK download one of its servers, in a process of its own: the SDK's download has no
 * time limit and cannot be cancelled, so whoever starts this must be able to end it.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';

const connectTimeoutMs = 8_000;
const [kind, downloadDir, version] = process.argv.slice(2);
if (downloadDir === undefined || version === undefined)
  throw new Error('Usage: sdk-download.ts <dev-server|test-server> <folder> <version>');

// Fails in seconds where the SDK would wait for minutes on a network that swallows packets.
await fetch('https://temporal.download/', { signal: AbortSignal.timeout(connectTimeoutMs) }).catch(
  (error: unknown) => {
    process.stderr.write(`temporal.download cannot be reached: ${causeOf(error)}\n`);
    process.exit(1);
  },
);

const executable = { type: 'cached-download', downloadDir, version, ttl: '3650d' } as const;
const environment =
  kind === 'dev-server'
    ? await TestWorkflowEnvironment.createLocal({ server: { executable } })
    : await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
await environment.teardown();

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
