/** The HTTP edge: one application of all modules' routes, with the guards that every request passes. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { limitBody } from './body-limit.ts';
import { refuseCardNumbers } from './card-number-guard.ts';
import { refuseInvalid, type ApiDeps, type ApiEnv } from './context.ts';
import { mountCodec } from './codec.ts';
import { mountDocs } from './docs.ts';
import { mountHealth } from './health.ts';
import { answerError, answerProblem, nothingHere } from './problem.ts';
import { noteClientAddress } from './request-origin.ts';
import { answerHeaders, beginRequest } from './request-start.ts';
import { refuseNul, requireJson } from './request-text.ts';
import { readTurns, takeTurns } from './read-turns.ts';
import { mountModules } from './routes.ts';
import { traceRequests } from './trace.ts';
import { createWalletDoors, isWalletPath, type WalletDoors } from './wallet-doors.ts';
import { answerRequest, targetOf, type Served } from './wallet-fronts.ts';

/** Largest body that any route accepts; catalogues and files have routes of their own elsewhere. */
export const bodyBytesMax = 64 * 1024;

export type Api = OpenAPIHono<ApiEnv>;

/** The application with the doors that a server may ask by themselves. */
export type ServedApi = Api & { readonly walletDoors: WalletDoors };

/** Makes a router whose validation failures answer as problems. */
export const createRouter = (): Api => new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid });

export function createApi(deps: ApiDeps): ServedApi {
  const api = createRouter();
  api.onError(answerError);
  api.notFound((c) => answerProblem(c, nothingHere));

  api.use(async (c, next) => {
    beginRequest(c, deps.log);
    for (const [name, value] of Object.entries(answerHeaders(c.get('requestId')))) c.header(name, value);
    const startedAt = performance.now();
    await next();
    deps.metrics.httpRequestDurationS
      .labels(c.req.method, c.req.routePath ?? 'unmatched', String(c.res.status))
      .observe((performance.now() - startedAt) / 1_000);
  });
  api.use(noteClientAddress(deps.config.api.trustedProxies));
  api.use(traceRequests);
  mountCodec(api, deps);
  api.use(limitBody(bodyBytesMax, answerProblem));
  api.use(refuseNul);
  api.use('/v1/*', requireJson);
  api.use('/admin/v1/*', requireJson);
  api.use('/v1/*', refuseCardNumbers);
  api.use('/admin/v1/*', refuseCardNumbers);
  api.use('/admin/v1/*', takeTurns(readTurns));

  mountHealth(api, deps);
  mountModules(api, deps);
  mountDocs(api);
  return behindDoors(api, createWalletDoors(deps, bodyBytesMax));
}

/** Sends wallet calls to their doors and everything else to the application. */
function behindDoors(api: Api, walletDoors: WalletDoors): ServedApi {
  const others = api.fetch;
  api.fetch = (request, server, ...rest) =>
    isWalletPath(targetOf(request.url))
      ? answerRequest(walletDoors, request, server as Served | undefined)
      : others(request, server, ...rest);
  return Object.assign(api, { walletDoors });
}
