/** Worker Versioning: which build runs here, and making a build the current one. */
import type { ConnectionLike } from '@temporalio/client';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import type { Config } from './config.ts';

export const deploymentName = 'pitboss';

/**
 * Runs stay on the build that they began with. In development a rebuild leaves no worker of the old build behind, so
 * there they move to the newest one; replay tests show beforehand whether they can.
 */
export function deploymentOptions(config: Pick<Config, 'mode'>, buildId: string): WorkerDeploymentOptions {
  return {
    version: { deploymentName, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: config.mode === 'production' ? 'PINNED' : 'AUTO_UPGRADE',
  };
}

/** Makes a build the current version: new runs start on it. Fails until one of its workers has polled. */
export async function setCurrentVersion(
  connection: ConnectionLike,
  namespace: string,
  buildId: string,
): Promise<void> {
  await connection.workflowService.setWorkerDeploymentCurrentVersion({
    namespace,
    deploymentName,
    buildId,
    version: `${deploymentName}.${buildId}`,
    identity: `pitboss-${process.pid}`,
    // A process that serves some of the queues must not be refused because another serves the rest.
    ignoreMissingTaskQueues: true,
  });
}
