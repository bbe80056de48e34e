/**
 * The doors of wallet calls, in front of the application. Bets are most of what an API process does: here they pass
 * few addresses, no layer that is not for them, and no object of the web's standard that a server has to take apart
 * again. What takes calls in from a socket, or from a test, is in `wallet-fronts.ts`.
 */
import type { Logger } from 'pino';
import { FailureError, fail, type Failure } from '#domain/failures.ts';
import type { ApiDeps } from './context.ts';
import { answerAt } from './games/door-answers.ts';
import { dialectDoors, type DialectDoor, type Serve } from './games/dialect-doors.ts';
import type { WalletAnswer, WalletCall } from './games/wallet-call.ts';
import { networksOf } from './networks.ts';
import { bugText, nothingHere, problemOf, problemType } from './problem.ts';
import { addressBehind } from './request-origin.ts';
import { requestIdOf } from './request-start.ts';
import { refusalOfAddress } from './request-text.ts';
import { inSpan } from './trace.ts';

/** What a server knows of a call. */
export type IncomingCall = {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** The other end of the socket; null without one. */
  readonly peer: string | null;
  readonly header: (name: string) => string | undefined;
  /** Null for a body beyond `bodyBytesMax`, which was not kept. */
  readonly body: Buffer | null;
};

export type WalletDoors = {
  /** The largest body that is read. */
  readonly bodyBytesMax: number;
  /** Never rejects. The id is the call's own where it brought a usable one. */
  answer(incoming: IncomingCall): Promise<{ readonly answer: WalletAnswer; readonly requestId: string }>;
};

/** Whether an address leads to these doors. */
export const isWalletPath = (path: string): boolean => path.startsWith('/wallet/');

/** The doors of all dialects; `bodyBytesMax` is the largest body that they read. */
export function createWalletDoors(
  deps: ApiDeps,
  bodyBytesMax: number,
  dialects: Readonly<Record<string, DialectDoor>> = dialectDoors,
): WalletDoors {
  const addresses = new AddressBook();
  for (const door of Object.values(dialects)) door.mount(addresses, { ...deps, db: deps.playDb });
  const refuse = refuserOf(dialects);
  const trusted = networksOf(deps.config.api.trustedProxies);
  const isTracing = deps.config.otlpEndpoint !== undefined;
  const tooLarge = fail('body-too-large', `A body may have at most ${bodyBytesMax} bytes.`).failure;

  async function serve(call: WalletCall, incoming: IncomingCall, found: Found | null): Promise<WalletAnswer> {
    const unfit = refusalOfAddress(incoming.target);
    if (unfit) return refuse(call, unfit);
    if (incoming.body === null) return refuse(call, tooLarge);
    if (!found) return refuse(call, nothingHere);
    try {
      return await (isTracing
        ? inSpan(
            call,
            () => found.serve(call),
            () => found.route,
          )
        : found.serve(call));
    } catch (error) {
      // A bug in an operation is answered by the operation; what comes here failed around it.
      if (error instanceof FailureError) return refuse(call, error.failure);
      call.log().error({ error }, 'unhandled error');
      return { status: 500, text: bugText(call.requestId), contentType: problemType };
    }
  }

  return {
    bodyBytesMax,
    async answer(incoming) {
      const startedAt = performance.now();
      const { method, target, header } = incoming;
      const queryAt = target.indexOf('?');
      const path = queryAt < 0 ? target : target.slice(0, queryAt);
      const found = method === 'POST' ? addresses.find(path) : null;
      const requestId = requestIdOf(header('x-request-id'));
      const address = addressBehind(trusted, incoming.peer, header('x-forwarded-for'));
      const log = loggerOnce(deps.log, requestId);
      const { body } = incoming;
      const integration = found?.integration ?? '';
      const call = { method, path, integration, body: body ?? nothing, address, requestId, header, log };
      const answer = await serve(call, incoming, found);
      deps.metrics.httpRequestDurationS
        .labels(method, found?.route ?? 'unmatched', String(answer.status))
        .observe((performance.now() - startedAt) / 1_000);
      return { answer, requestId };
    },
  };
}

const nothing = Buffer.alloc(0);

/** Most calls have nothing to say, so their logger does not exist before it is asked for. */
function loggerOnce(parent: Logger, requestId: string): () => Logger {
  let log: Logger | undefined;
  return () => (log ??= parent.child({ requestId }));
}

type Found = { readonly route: string; readonly serve: Serve; readonly integration: string };

/** Addresses with one part called `:integration`, found in one look for each place where that part can stand. */
class AddressBook {
  readonly #routes = new Map<string, Serve>();
  readonly #places = new Set<number>();

  post(route: string, serve: Serve): void {
    const place = route.split('/').indexOf(integrationPart);
    if (place < 0) throw new Error(`${route} names no integration`);
    this.#routes.set(route, serve);
    this.#places.add(place);
  }

  find(path: string): Found | null {
    const parts = path.split('/');
    for (const place of this.#places) {
      const integration = parts[place];
      if (!integration) continue;
      parts[place] = integrationPart;
      const route = parts.join('/');
      const serve = this.#routes.get(route);
      if (serve) return { route, serve, integration };
      parts[place] = integration;
    }
    return null;
  }
}

const integrationPart = ':integration';

type Refuse = (call: WalletCall, failure: Failure) => WalletAnswer;

function refuserOf(dialects: Readonly<Record<string, DialectDoor>>): Refuse {
  const atDoor = answerAt(dialects);
  return (call, failure) => {
    const inDialect = atDoor(call, failure);
    if (inDialect) return inDialect;
    return { ...problemOf(failure, call.requestId), contentType: problemType };
  };
}
