/** Runs one party's HTTP side on the loopback interface: health, clean stop on SIGTERM, and a closed door on request. */
import { listenHost } from './environment.ts';
import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inBackground } from './background.ts';
import type { Log } from './json-log.ts';

export type PartyEnv = { Bindings: HttpBindings };
export type PartyContext = Context<PartyEnv>;
export type PartyApp = Hono<PartyEnv>;

/** Routes to be hung into a party's app. */
export const createPartyRoutes = (): PartyApp => new Hono<PartyEnv>();

export function createPartyApp(log: Log): PartyApp {
  const app = createPartyRoutes();
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.use(async (c, next) => {
    const startedAt = performance.now();
    await next();
    // The path only: a query may carry a token.
    log('request', {
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      ms: Math.round(performance.now() - startedAt),
    });
  });
  app.onError((error, c) => {
    log('request_failed', { path: c.req.path, error: error.stack ?? String(error) });
    return c.json({ error: 'internal' }, 500);
  });
  return app;
}

/** Breaks the connection without an answer; the returned response is never seen. */
export function cutConnection(c: PartyContext): Response {
  c.env.incoming.socket.destroy();
  return new Response(null, { status: 200 });
}

export interface PartyServer {
  port: number;
  /** The port is closed for a while: callers get "connection refused", the proof that nothing was sent. */
  refuseConnections(durationMs: number): void;
}

export async function serveParty(
  app: PartyApp,
  port: number,
  log: Log,
  close: () => void | Promise<void>,
): Promise<PartyServer> {
  const answer = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0]);
  const server = createServer((request, response) => inBackground(log, 'request', answer(request, response)));
  server.keepAliveTimeout = 30_000;
  const listen = (on: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(on, listenHost(), () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(port);
  const boundPort = (server.address() as AddressInfo).port;
  log('listening', { port: boundPort });

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    server.close();
    server.closeAllConnections();
    inBackground(
      log,
      'stop',
      Promise.resolve(close()).then(() => {
        log('stopped');
        process.exit(0);
      }),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  return {
    port: boundPort,
    refuseConnections(durationMs) {
      // The answer that ordered this leaves first.
      setTimeout(() => {
        log('refusing_connections', { durationMs });
        server.close();
        server.closeAllConnections();
        setTimeout(
          () =>
            inBackground(
              log,
              'listen',
              listen(boundPort).then(() => log('listening', { port: boundPort })),
            ),
          durationMs,
        );
      }, 50);
    },
  };
}
