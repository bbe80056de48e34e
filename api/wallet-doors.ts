/**
 * Wallet calls have an application of their own in front of the other. Bets are most of what an API process does: here
 * they pass few addresses, no layer that is not for them, and get answers whose headers are plain.
 */
import { Hono, type Context } from 'hono';
import { PatternRouter } from 'hono/router/pattern-router';
import { FailureError, type Failure } from '#domain/failures.ts';
import { limitBody } from './body-limit.ts';
import type { ApiDeps, ApiEnv } from './context.ts';
import { answerAt } from './games/door-answers.ts';
import { dialectDoors, type DialectDoor, type Serve } from './games/dialect-doors.ts';
import { answerError, answerProblem, nothingHere } from './problem.ts';
import { addressReader } from './request-origin.ts';
import { beginRequest } from './request-start.ts';
import { refusalOfAddress } from './request-text.ts';
import { inSpan } from './trace.ts';

/** Whether an address leads to these doors. */
export function isWalletCall(url: string): boolean {
  const pathAt = url.indexOf('/', url.indexOf('//') + 2);
  return pathAt >= 0 && url.startsWith('/wallet/', pathAt);
}

/** The application of all dialects' calls; `bodyBytesMax` is the largest body that it reads. */
export function createWalletDoors(
  deps: ApiDeps,
  bodyBytesMax: number,
  dialects: Readonly<Record<string, DialectDoor>> = dialectDoors,
): Hono<ApiEnv> {
  // The quickest router cannot tell two of these addresses apart, and what comes next in line is slower than this one.
  const doors = new Hono<ApiEnv>({ router: new PatternRouter() });
  const refuse = refuserOf(dialects);
  const framed = frameOf(deps, bodyBytesMax, refuse);
  const mounted = {
    post: (path: string, serve: Serve) => doors.post(path, framed(path, serve)),
  };
  for (const door of Object.values(dialects)) door.mount(mounted, { ...deps, db: deps.playDb });
  doors.notFound(framed('unmatched', async (c) => refuse(c, nothingHere)));
  // A bug in an operation is answered by the operation; what comes here failed around it.
  doors.onError((error, c) =>
    error instanceof FailureError ? refuse(c, error.failure) : answerError(error, c),
  );
  return doors;
}

/** What every call gets, whichever its address: an id, its caller's address, its bounds, its figures. */
function frameOf(
  deps: ApiDeps,
  bodyBytesMax: number,
  refuse: Refuse,
): (route: string, serve: Serve) => Serve {
  const limit = limitBody(bodyBytesMax, refuse);
  const noteAddress = addressReader(deps.config.api.trustedProxies);
  const isTracing = deps.config.otlpEndpoint !== undefined;

  async function bounded(c: Context<ApiEnv>, serve: Serve): Promise<Response> {
    const refusal = refusalOfAddress(c.req.url);
    if (refusal) return refuse(c, refusal);
    let answer: Response | undefined;
    const tooLarge = await limit(c, async () => {
      answer = await (isTracing ? inSpan(c, () => serve(c)) : serve(c));
    });
    return tooLarge ?? answer ?? refuse(c, nothingHere);
  }

  return (route, serve) => async (c) => {
    const startedAt = performance.now();
    beginRequest(c, deps.log);
    noteAddress(c);
    const answer = await bounded(c, serve);
    deps.metrics.httpRequestDurationS
      .labels(c.req.method, route, String(answer.status))
      .observe((performance.now() - startedAt) / 1_000);
    return answer;
  };
}

type Refuse = (c: Context<ApiEnv>, failure: Failure) => Response;

function refuserOf(dialects: Readonly<Record<string, DialectDoor>>): Refuse {
  const atDoor = answerAt(dialects);
  return (c, failure) => atDoor(c, failure) ?? answerProblem(c, failure);
}
