/** Where a request comes from, as far as this process can see it: the peer's address and what it calls itself. */
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import type { ApiEnv } from './context.ts';

export type RequestOrigin = { readonly ip: string | null; readonly userAgent: string | null };

/** Forwarding headers are not read: without a list of trusted proxies anybody could write them. */
export function originOf(c: Context<ApiEnv>): RequestOrigin {
  return { ip: peerAddress(c), userAgent: c.req.header('user-agent')?.slice(0, 300) ?? null };
}

/** Null where there is no socket: requests handed to the application by a test. */
function peerAddress(c: Context<ApiEnv>): string | null {
  const environment: unknown = c.env;
  if (environment === null || typeof environment !== 'object' || !('incoming' in environment)) return null;
  return getConnInfo(c).remote.address ?? null;
}
