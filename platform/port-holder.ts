/** Names who holds a taken port, so that the sentence about it says what to do. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { BringUpFailure } from './bring-up-failure.ts';
import { derivePorts, isFree, outgoingFrom, type Ports } from './ports.ts';
import { commandOf } from './process-identity.ts';

export async function requireFreePorts(
  wanted: readonly { readonly port: number; readonly use: string }[],
  ports: Ports,
): Promise<void> {
  for (const { port, use } of wanted) {
    if (await isFree(port)) continue;
    const holder = holderOf(port);
    const suggestedPort = await suggestPort(ports);
    throw new BringUpFailure(
      `Port ${port}, needed for ${use}, is taken${holder === undefined ? '' : ` by ${holder}`}: stop that program, or choose another place for everything with PORT=${suggestedPort} npm start.`,
    );
  }
}

/** A PORT whose derived ports are all free; steps of a thousand would make one home's Temporal UI another's Temporal. */
async function suggestPort({ api }: Ports): Promise<number> {
  for (const step of [10_000, 5_000, 12_500, -5_000, 2_500]) {
    const port = api + step;
    if (port <= 1_024 || port >= outgoingFrom) continue;
    if ((await Promise.all(Object.values(derivePorts(String(port))).map(isFree))).every(Boolean)) return port;
  }
  return api > 60_000 ? api - 50 : api + 50;
}

/** Linux only, and only for processes this user may look into; elsewhere the sentence goes without a name. */
function holderOf(port: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (holdsOneOf(pid, inodes)) return `process ${pid} (${commandOf(Number(pid)).slice(0, 60)})`;
  }
  return undefined;
}

function listeningInodes(port: number): Set<string> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readLines(table)) {
      const fields = line.trim().split(/\s+/);
      const listening = fields[3] === '0A';
      const inode = fields[9];
      if (listening && fields[1]?.endsWith(`:${hexPort}`) && inode !== undefined)
        inodes.add(`socket:[${inode}]`);
    }
  }
  return inodes;
}

function holdsOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => inodes.has(readlinkSync(`${folder}/${fd}`)));
  } catch {
    return false;
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
