/** Every port of one platform, derived from PORT so that two homes can run side by side. */
import { createServer } from 'node:net';
import { BringUpFailure } from './bring-up-failure.ts';

const apiPortDefault = 8080;

const defaults = {
  api: apiPortDefault,
  temporal: 7233,
  temporalUi: 8233,
  clickhouse: 8123,
  postgres: 15_432,
  pspAlpha: 18_100,
  pspBeta: 18_200,
  pspGamma: 18_250,
  gameStudio: 18_300,
  kycVendor: 18_400,
  mailbox: 18_500,
  mailboxSmtp: 18_600,
  oddsFeed: 18_700,
  bank: 18_750,
  sandboxChain: 18_760,
  chainRpc: 18_765,
  chainSigner: 18_770,
  chainWatcher: 18_775,
  cardVault: 18_800,
  workerMetrics: 19_100,
  workerSdkMetrics: 19_200,
  relayMetrics: 19_300,
  temporalMetrics: 19_400,
} as const;

export type PortName = keyof typeof defaults;
export type Ports = Readonly<Record<PortName, number>>;

/** Ports of old protocols that the fetch standard forbids, in browsers and in Node alike. */
const blockedPorts: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10_080,
]);

const lowestUsable = 1024;
const lowest = apiPortDefault - Math.min(...Object.values(defaults)) + lowestUsable;
const highest = apiPortDefault + 65_535 - Math.max(...Object.values(defaults));

export function derivePorts(apiPort: string | undefined): Ports {
  const port = apiPort === undefined || apiPort === '' ? apiPortDefault : Number(apiPort);
  if (!Number.isInteger(port) || port < lowest || port > highest)
    throw new BringUpFailure(
      `PORT is ${apiPort}, but it must be a number from ${lowest} to ${highest} because the other ports are derived from it.`,
    );
  const offset = port - apiPortDefault;
  const derived = Object.entries(defaults).map(([name, value]) => [name, value + offset] as const);
  const blocked = derived.find(([, value]) => blockedPorts.has(value));
  if (blocked !== undefined)
    throw new BringUpFailure(
      `PORT ${port} would put ${blocked[0]} on port ${blocked[1]}, which browsers refuse to open: choose another PORT.`,
    );
  return Object.fromEntries(derived) as unknown as Ports;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
