/** A worker like the platform's own — codec, interceptors, versioning — that serves only the no-op workflows. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { bundleOptions } from '#workers/bundle.ts';
import { loadConfig } from '#workers/config.ts';
import { createDataConverter } from '#workers/payload-codec.ts';
import { noopQueue, type NoopActivities } from './noop.contract.ts';

const config = loadConfig();
const { address, namespace } = config.temporal;
const buildId = 'bench';
const deploymentName = 'bench';
Runtime.install({ logger: new DefaultLogger('WARN') });
const workflowBundle = await bundleWorkflowCode(
  bundleOptions(fileURLToPath(new URL('./noop.workflow.ts', import.meta.url))),
);
const connection = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } });
const unheard = { fn: () => {}, callDuringReplay: false };
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: noopQueue,
  workflowBundle,
  activities: { step: async (number: number) => number } satisfies NoopActivities,
  maxCachedWorkflows: 1_000,
  workerDeploymentOptions: {
    version: { deploymentName, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'AUTO_UPGRADE',
  },
  dataConverter: createDataConverter(config.keys.payloadCodec.reveal()),
  sinks: { exporter: { export: unheard }, outcomes: { ended: unheard } },
});
const run = worker.run();
await makeCurrent();
process.send?.('ready');
process.once('message', () => worker.shutdown());
await run;
await connection.close();

/** Refused by the server until the worker has polled. */
async function makeCurrent(): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName,
        buildId,
        version: `${deploymentName}.${buildId}`,
        identity: `bench-${process.pid}`,
        ignoreMissingTaskQueues: true,
      });
      return;
    } catch (error) {
      if (attempt === 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
