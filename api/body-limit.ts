/** Refuses large bodies before they are read, by their declared length where there is one. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { fail, type Failure } from '#domain/failures.ts';
import type { ApiEnv } from './context.ts';
import { headerOf } from './request-start.ts';

/** How the application that is behind says no. */
type Refuse = (c: Context<ApiEnv>, failure: Failure) => Response;

/** Answers `body-too-large` above `bytesMax`; a body of undeclared length is counted while it is read. */
export function limitBody(bytesMax: number, refuse: Refuse): MiddlewareHandler<ApiEnv> {
  const tooLarge = fail('body-too-large', `A body may have at most ${bytesMax} bytes.`).failure;
  const refuseLarge = (c: Context<ApiEnv>) => refuse(c, tooLarge);
  const counted = bodyLimit({ maxSize: bytesMax, onError: refuseLarge });
  return async (c, next) => {
    const declared = headerOf(c, 'content-length');
    // A request with both headers is read by its transfer encoding.
    if (declared === undefined || headerOf(c, 'transfer-encoding') !== undefined) {
      return c.req.method === 'GET' || c.req.method === 'HEAD' ? next() : counted(c, next);
    }
    return Number(declared) > bytesMax ? refuseLarge(c) : next();
  };
}
