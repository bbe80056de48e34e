/** The HTTP edge: one application of all modules' routes, with the guards that every request passes. */
import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { fail, FailureError } from '#domain/failures.ts';
import { limitBody } from './body-limit.ts';
import { refuseCardNumbers } from './card-number-guard.ts';
import { refuseInvalid, type ApiDeps, type ApiEnv } from './context.ts';
import { mountCodec } from './codec.ts';
import { mountDocs } from './docs.ts';
import { answerAtDoor } from './games/door-answers.ts';
import { mountHealth } from './health.ts';
import { answerError, answerProblem } from './problem.ts';
import { noteClientAddress } from './request-origin.ts';
import { refuseNul, requireJson } from './request-text.ts';
import { readTurns, takeTurns } from './read-turns.ts';
import { mountModules } from './routes.ts';
import { traceRequests } from './trace.ts';

/** Largest body that any route accepts; catalogues and files have routes of their own elsewhere. */
export const bodyBytesMax = 64 * 1024;

export type Api = OpenAPIHono<ApiEnv>;

/** Makes a router whose validation failures answer as problems. */
export const createRouter = (): Api => new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid });

export function createApi(deps: ApiDeps): Api {
  const api = createRouter();
  api.onError((error, c) => answerFailedCall(error, c) ?? answerError(error, c));
  api.notFound((c) => {
    const { failure } = fail('not-found', 'There is nothing at this address.');
    return answerAtDoor(c, failure) ?? answerProblem(c, failure);
  });

  api.use(async (c, next) => {
    const given = c.req.header('x-request-id');
    const requestId = given && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();
    c.set('requestId', requestId);
    c.set('log', deps.log.child({ requestId }));
    c.header('X-Request-Id', requestId);
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Referrer-Policy', 'no-referrer');
    const startedAt = performance.now();
    await next();
    deps.metrics.httpRequestDurationS
      .labels(c.req.method, c.req.routePath ?? 'unmatched', String(c.res.status))
      .observe((performance.now() - startedAt) / 1_000);
  });
  api.use(noteClientAddress(deps.config.api.trustedProxies));
  api.use(traceRequests);
  mountCodec(api, deps);
  api.use(limitBody(bodyBytesMax));
  api.use(refuseNul);
  api.use('/v1/*', requireJson);
  api.use('/admin/v1/*', requireJson);
  api.use('/v1/*', refuseCardNumbers);
  api.use('/admin/v1/*', refuseCardNumbers);
  api.use('/admin/v1/*', takeTurns(readTurns));

  mountHealth(api, deps);
  mountModules(api, deps);
  mountDocs(api);
  return api;
}

/** A wallet call that failed before its handler saw it; a bug in there is answered by the handler itself. */
const answerFailedCall = (error: unknown, c: Context<ApiEnv>): Response | null =>
  error instanceof FailureError ? answerAtDoor(c, error.failure) : null;
