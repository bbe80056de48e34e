/** Where a request comes from, as far as this process can know it: the client's address and what it calls itself. */
import { isIP } from 'node:net';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from './context.ts';
import { headerOf } from './request-start.ts';
import { networksOf, plainAddress, type Networks } from './networks.ts';

export type RequestOrigin = { readonly ip: string | null; readonly userAgent: string | null };

/** The address is the peer's own, or, behind a proxy of ours, what that proxy saw. */
export function originOf(c: Context<ApiEnv>): RequestOrigin {
  return { ip: clientAddress(c), userAgent: c.req.header('user-agent')?.slice(0, 300) ?? null };
}

/** Null where there is no socket: requests handed to the application by a test. */
export function clientAddress(c: Context<ApiEnv>): string | null {
  const seen = c.get('clientAddress');
  return seen === undefined ? peerAddress(c) : seen;
}

/** Notes the client's address for the handlers, as the trusted proxies tell it. */
export function noteClientAddress(trustedProxies: readonly string[]): MiddlewareHandler<ApiEnv> {
  const trusted = networksOf(trustedProxies);
  return async (c, next) => {
    c.set('clientAddress', addressBehind(trusted, peerAddress(c), headerOf(c, 'x-forwarded-for')));
    await next();
  };
}

/**
 * Walks the forwarding header from its end, where our own proxies wrote, to the first address that none of them is.
 * What stands before it anybody may have written. An entry that is no address ends the walk at the last one believed.
 */
export function addressBehind(
  trusted: Networks,
  peer: string | null,
  forwardedFor: string | undefined,
): string | null {
  if (peer === null) return null;
  let client = plainAddress(peer);
  if (forwardedFor === undefined) return client;
  for (const entry of forwardedFor.split(',').toReversed()) {
    if (!trusted.includes(client)) return client;
    const address = plainAddress(entry.trim());
    if (isIP(address) === 0) return client;
    client = address;
  }
  return client;
}

/** The other end of the socket, be it a client or a proxy; null without one. */
export function peerAddress(c: Context<ApiEnv>): string | null {
  const environment: unknown = c.env;
  if (environment === null || typeof environment !== 'object' || !('incoming' in environment)) return null;
  return getConnInfo(c).remote.address ?? null;
}
