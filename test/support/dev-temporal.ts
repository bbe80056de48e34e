/** A real Temporal server of a test's own, in a temporary folder: for what the time-skipping one does not have. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporalBinary } from '#platform/temporal-binary.ts';
import { isTemporalReady, prepareTemporal } from '#platform/temporal.ts';
import { freePorts } from './ports.ts';
import { startProcess, type TestProcess } from './processes.ts';

export type DevTemporal = {
  readonly address: string;
  readonly namespace: string;
  readonly process: TestProcess;
  stop(): Promise<void>;
};

const quiet = { update: () => {}, done: () => {}, fail: () => {} };

/** Search attributes and namespace are registered; throws with the reasons when this machine can have no server. */
export async function startDevTemporal(): Promise<DevTemporal> {
  const binary = await findTemporalBinary(process.env, quiet);
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-test-temporal-'));
  const [port = 0, uiPort = 0, metricsPort = 0] = await freePorts(3);
  const namespace = 'pitboss';
  const codecEndpoint = 'http://127.0.0.1:1/codec';
  const launch = prepareTemporal(binary, {
    dir: folder,
    port,
    uiPort,
    metricsPort,
    namespace,
    codecEndpoint,
  });
  const address = `127.0.0.1:${port}`;
  const server = await startProcess({
    command: launch.command,
    args: launch.args,
    isReady: () => isTemporalReady(address, namespace),
    readyTimeoutMs: 60_000,
  });
  return {
    address,
    namespace,
    process: server,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
