/** Classes of the time-skipping server as Java loaded them, kept in one file: its next start takes a quarter of the time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Environment } from '#workers/config.ts';

const listensWithinMs = 60_000;
const endsWithinMs = 30_000;

/**
 * Starts the server once, has it used and ends it, so that Java writes what it loaded to `archive`. Whatever goes wrong
 * leaves the server as it was, only slower to start.
 * @param javaArgs as its launcher gives them; the port is added
 * @param use is given the address that the server listens on
 */
export async function archiveClasses(
  javaArgs: readonly string[],
  archive: string,
  environment: Environment,
  use: (address: string) => Promise<void>,
): Promise<void> {
  const draft = `${archive}.${process.pid}`;
  const port = await freePort();
  const server = spawn('java', [`-XX:ArchiveClassesAtExit=${draft}`, ...javaArgs, String(port)], {
    env: { ...environment },
    stdio: 'ignore',
  });
  const ended = once(server, 'exit').then(() => true);
  await Promise.race([ended, listens(port).then(() => use(`127.0.0.1:${port}`))]).catch(() => {});
  server.kill('SIGTERM');
  const isEnded = await Promise.race([ended, delay(endsWithinMs, false, { ref: false })]);
  if (!isEnded) server.kill('SIGKILL');
  // Another run may have been faster; a file that servers read is never written to.
  if (isEnded && existsSync(draft) && !existsSync(archive)) renameSync(draft, archive);
  else rmSync(draft, { force: true });
}

async function listens(port: number): Promise<void> {
  for (
    const startedMs = performance.now();
    performance.now() - startedMs < listensWithinMs;
    await delay(100)
  ) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}
