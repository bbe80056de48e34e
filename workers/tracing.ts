/** One trace from the HTTP request through workflow and activity down to each SQL statement, when somebody listens. */
import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import type pg from 'pg';
import type { Config } from './config.ts';

export type Tracing = {
  /** For clients and workers; undefined while nobody listens, which keeps headers and spans out of every call. */
  readonly plugin: OpenTelemetryPlugin | undefined;
  /** Puts a span around every statement of a pool. */
  readonly traceQueries: (pool: pg.Pool) => void;
  /** Sends what is waiting. */
  readonly close: () => Promise<void>;
};

/** Starts tracing for this process: OTLP over HTTP where an endpoint is configured, else nothing is loaded for it. */
export async function startTracing(
  { otlpEndpoint }: Pick<Config, 'otlpEndpoint'>,
  processName: string,
): Promise<Tracing> {
  if (otlpEndpoint === undefined) return { plugin: undefined, traceQueries: () => {}, close: async () => {} };
  // A fifth of a second of processor time, which a start without it need not spend.
  const { sendTraces } = await import('./open-telemetry.ts');
  return sendTraces(otlpEndpoint, processName);
}
