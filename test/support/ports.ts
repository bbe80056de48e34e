/** Free ports for servers that tests start, so that a test run never meets a running platform. */
import { createServer } from 'node:net';

/** Asks the kernel for ports nobody listens on; all are held open until the last is known, so none comes twice. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    probes.map(
      (probe) =>
        new Promise<number>((resolve, reject) => {
          probe.once('error', reject);
          probe.listen({ port: 0, host: '127.0.0.1' }, () => {
            const address = probe.address();
            if (address === null || typeof address === 'string') reject(new Error('The probe has no port'));
            else resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('No free port');
  return port;
}
