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
  apiMetrics: 19_500,
} as const;

export type PortName = keyof typeof defaults;
export type Ports = Readonly<Record<PortName, number>>;

/** Ports of old protocols that the fetch standard forbids, in browsers and in Node alike. */
const blockedPorts: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10_080,
]);

const lowestUsable = 1_024;
const highestUsable = 65_535;

/** From here on Linux hands ports to outgoing connections, so one that is free now may be gone a moment later. */
export const outgoingFrom = 32_768;

/**
 * The API is where PORT says; the others keep their distance from it and come back at the low end where that would lead
 * them among the ports of outgoing connections. No two of them meet, so every PORT has its set.
 */
export function derivePorts(apiPort: string | undefined): Ports {
  const port = apiPort === undefined || apiPort === '' ? apiPortDefault : Number(apiPort);
  if (!Number.isInteger(port) || port < lowestUsable || port > highestUsable)
    throw new BringUpFailure(
      `PORT is ${apiPort}, but it must be a number from ${lowestUsable} to ${highestUsable}.`,
    );
  if (blockedPorts.has(port))
    throw new BringUpFailure(`PORT is ${port}, which browsers refuse to open: choose another PORT.`);
  for (let offset = port - apiPortDefault; ; offset += 1) {
    const ports = { ...shifted(offset), api: port };
    const others = Object.entries(ports).flatMap(([name, value]) => (name === 'api' ? [] : [value]));
    if (!others.some((value) => value === port || blockedPorts.has(value))) return ports;
  }
}

function shifted(offset: number): Ports {
  const count = outgoingFrom - lowestUsable;
  const wrapped = (value: number): number =>
    lowestUsable + ((((value + offset - lowestUsable) % count) + count) % count);
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, wrapped(value)]),
  ) as unknown as Ports;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
