/** Spans of a process, sent to a collector: loaded only where one is configured. */
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { node, resources, tracing } from '@opentelemetry/sdk-node';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import type pg from 'pg';
import type { Tracing } from './tracing.ts';

/** Sends this process's spans to an OTLP endpoint over HTTP. */
export function sendTraces(endpoint: string, processName: string): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const resource = resources.resourceFromAttributes({
    'service.namespace': 'pitboss',
    'service.name': processName,
  });
  const spanProcessor = new tracing.BatchSpanProcessor(exporter, { scheduledDelayMillis: 1_000 });
  const provider = new node.NodeTracerProvider({ resource, spanProcessors: [spanProcessor] });
  provider.register();
  return {
    plugin: new OpenTelemetryPlugin({ resource, spanProcessor }),
    traceQueries,
    close: () => provider.shutdown(),
  };
}

/** Statement texts have placeholders only, so a span carries no value that a player or operator has sent. */
function traceQueries(pool: pg.Pool): void {
  pool.on('connect', (client) => {
    const query: (...given: unknown[]) => unknown = client.query.bind(client);
    const traced = (...given: unknown[]): unknown => {
      const text = statementOf(given[0]);
      if (text === undefined || trace.getSpan(context.active()) === undefined) return query(...given);
      const span = trace.getTracer('pitboss-sql').startSpan(`sql ${operationOf(text)}`, {
        kind: SpanKind.CLIENT,
        attributes: { 'db.system.name': 'postgresql', 'db.query.text': text.slice(0, 2_000) },
      });
      const end = (error?: unknown): void => {
        if (error instanceof Error) span.setStatus({ code: SpanStatusCode.ERROR, message: error.name });
        span.end();
      };
      const callback = given.at(-1);
      if (isCallback(callback)) {
        return query(...given.slice(0, -1), (error: unknown, result: unknown) => {
          end(error);
          callback(error, result);
        });
      }
      const answer = query(...given);
      if (answer instanceof Promise) answer.then(() => end(), end);
      else end();
      return answer;
    };
    Object.assign(client, { query: traced });
  });
}

const isCallback = (value: unknown): value is (error: unknown, result: unknown) => void =>
  typeof value === 'function';

function statementOf(query: unknown): string | undefined {
  if (typeof query === 'string') return query;
  if (typeof query === 'object' && query !== null && 'text' in query && typeof query.text === 'string')
    return query.text;
  return undefined;
}

const operationOf = (text: string): string => /^\s*(\w+)/.exec(text)?.[1]?.toLowerCase() ?? 'statement';
