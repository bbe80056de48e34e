/** Free ports for servers that tests start, so that a test run never meets a running platform. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isFree } from '#platform/ports.ts';

/**
 * Below what kernels give to outgoing connections (from 32,768 on Linux, from 49,152 elsewhere): a port of those that was
 * free when it was asked for is some client's end of a connection by the time its server starts.
 */
const firstPort = 22_000;
const lastPort = 31_999;
const triesMax = 200;

/** Ports by chance that nobody listens on, and that no other process of a test run is given while this one lives. */
export const freePorts = (count: number): Promise<readonly number[]> =>
  Promise.all(Array.from({ length: count }, freePort));

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(firstPort, lastPort + 1);
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error(`No free port from ${firstPort} to ${lastPort} was found.`);
}

/**
 * Seconds pass until a server listens on its port. Until the end of this process the UDP port of the same number, which
 * nothing here uses, tells all others that it is taken.
 */
const claim = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4').unref();
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
