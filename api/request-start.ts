/** What every request begins with: an id that answers and log lines share, and a logger that is made when it is needed. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { ApiEnv } from './context.ts';

/** Notes the caller's id where it sent a usable one, or makes one. */
export function beginRequest(c: Context<ApiEnv>, log: Logger): void {
  c.set('requestId', requestIdOf(headerOf(c, 'x-request-id')));
  c.set('processLog', log);
}

/** The caller's id where it sent a usable one, or a new one. */
export const requestIdOf = (given: string | undefined): string =>
  given && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();

/** The logger of this request. Most requests have nothing to say, so it does not exist before it is asked for. */
export function logOf(c: Context<ApiEnv>): Logger {
  const made = c.get('log');
  if (made) return made;
  const log = c.get('processLog').child({ requestId: c.get('requestId') });
  c.set('log', log);
  return log;
}

/**
 * One header of the request by its lower-case name. Behind a server they are read where Node has them already: the
 * standard `Headers` are built and checked for each request that asks for one.
 */
export function headerOf(c: Context<ApiEnv>, name: string): string | undefined {
  const { incoming } = (c.env ?? {}) as { readonly incoming?: Partial<IncomingMessage> };
  return incoming?.headers ? headerIn(incoming.headers, name) : c.req.header(name);
}

/** One header as Node has read it; of a repeated one all values. */
export function headerIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

/** What every answer says beside its own headers. */
export const answerHeaders = (requestId: string): Record<string, string> => ({
  'X-Request-Id': requestId,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
});
