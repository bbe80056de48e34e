/** Who may read `/metrics` on the API's own port, which players reach: turnover, PSP outcomes and loads are nobody else's business. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList } from 'node:net';
import type { Context } from 'hono';
import type { Config } from '#workers/config.ts';
import type { ApiEnv } from './context.ts';
import { bearerToken } from './pam-guard.ts';
import { peerAddress } from './request-origin.ts';
import { headerOf } from './request-start.ts';

/**
 * With METRICS_TOKEN whoever sends it. Without it, outside production, whoever asks from this machine itself and not
 * through a proxy on it. Prometheus has a port of its own for its questions (METRICS_PORT).
 */
export function mayReadFigures(c: Context<ApiEnv>, config: Pick<Config, 'mode' | 'metricsToken'>): boolean {
  if (config.metricsToken !== undefined) return isSame(bearerToken(c), config.metricsToken.reveal());
  if (config.mode === 'production') return false;
  const isForwarded = ['x-forwarded-for', 'forwarded', 'via'].some((name) => headerOf(c, name) !== undefined);
  const peer = peerAddress(c);
  // Without a socket the application was called inside its own process.
  return !isForwarded && (peer === null || isLoopback(peer));
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isLoopback = (address: string): boolean =>
  loopback.check(address, address.includes(':') ? 'ipv6' : 'ipv4');

/** Digests of one length, so that the time of the comparison tells nothing. */
const isSame = (given: string | undefined, token: string): boolean =>
  given !== undefined && timingSafeEqual(digestOf(given), digestOf(token));

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
