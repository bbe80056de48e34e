/** Free ports for servers that tests start, so that a test run never meets a running platform. */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below what kernels give to outgoing connections (from 32,768 on Linux, from 49,152 elsewhere): a port of those that was
 * free when it was asked for is some client's end of a connection by the time its server starts.
 */
const firstPort = 22_000;
const lastPort = 31_999;
const triesMax = 200;

/** Ports by chance that nobody listens on; all are held open until the last is known, so none comes twice. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = await Promise.all(Array.from({ length: count }, holdPort));
  await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  return held.map(({ port }) => port);
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('No free port');
  return port;
}

async function holdPort(): Promise<{ readonly port: number; readonly server: Server }> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(firstPort, lastPort + 1);
    const server = createServer();
    const isHeld = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ port, host: '127.0.0.1' }, () => resolve(true));
    });
    if (isHeld) return { port, server };
  }
  throw new Error(`No free port from ${firstPort} to ${lastPort} was found.`);
}
