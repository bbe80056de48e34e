/** Refuses large bodies before they are read. What a declared length settles costs nothing: a bet passes here. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { fail } from '#domain/failures.ts';
import type { ApiEnv } from './context.ts';
import { answerAtDoor } from './games/door-answers.ts';
import { answerProblem } from './problem.ts';
import { headerOf } from './request-start.ts';

/** Answers `body-too-large` above `bytesMax`; a body of undeclared length is counted while it is read. */
export function limitBody(bytesMax: number): MiddlewareHandler<ApiEnv> {
  const tooLarge = fail('body-too-large', `A body may have at most ${bytesMax} bytes.`).failure;
  const refuseLarge = (c: Context<ApiEnv>) => answerAtDoor(c, tooLarge) ?? answerProblem(c, tooLarge);
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
