/** How an answer leaves: as it is, late, broken off, or not at all. */
import { cutConnection, type PartyContext } from '../support/party-server.ts';
import type { Delivery } from './behaviours.ts';

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Ends early when the caller has hung up. */
async function holdConnection(c: PartyContext, ms: number): Promise<void> {
  const { socket } = c.env.incoming;
  const hungUp = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([pause(ms), hungUp]);
}

export async function breakOff(
  c: PartyContext,
  delivery: Extract<Delivery, 'silence' | 'drop'>,
  timeoutMs: number,
): Promise<Response> {
  if (delivery === 'silence') await holdConnection(c, timeoutMs);
  return cutConnection(c);
}
