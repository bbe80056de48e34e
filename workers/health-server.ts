/** Health and metrics over HTTP on a port of their own. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { askDependencies, type Probe } from '#api/readiness.ts';
import { httpLimits } from '#api/http-limits.ts';
import type { Metrics } from './metrics.ts';

export type HealthPlan = {
  readonly port: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly probes: Readonly<Record<string, Probe>>;
  /** Probes without which the process does no work at all. */
  readonly required: readonly string[];
  /** More to say about readiness, such as the state of each sink. */
  readonly details?: () => Promise<unknown>;
};

/** Listens on loopback or, in a container, on every address, as `host` says. */
export function startHealthServer(plan: HealthPlan, host: string): Server {
  const server = createServer(httpLimits, (request, response) => {
    answer(plan, request, response).catch((error: unknown) => {
      plan.log.error({ error }, 'health request failed');
      send(response, 500, { status: 'error' });
    });
  });
  // Without its health port the process would run and never count as ready: better to end and say why.
  server.on('error', (error) => {
    plan.log.fatal({ error, port: plan.port }, 'the health server cannot listen');
    process.exit(1);
  });
  server.listen(plan.port, host);
  return server;
}

async function answer(plan: HealthPlan, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET') return send(response, 405, { status: 'method-not-allowed' });
  switch (new URL(request.url ?? '/', 'http://localhost').pathname) {
    case '/healthz':
      return send(response, 200, { status: 'alive' });
    case '/readyz': {
      const readiness = await askDependencies(plan.probes, plan.required);
      const details = await plan.details?.();
      return send(response, readiness.status === 'not-ready' ? 503 : 200, { ...readiness, details });
    }
    case '/metrics':
      response.writeHead(200, { 'content-type': plan.metrics.registry.contentType });
      response.end(await plan.metrics.registry.metrics());
      return undefined;
    default:
      return send(response, 404, { status: 'not-found' });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
