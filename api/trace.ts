/** A span per request, continuing the caller's trace where it sent one. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from './context.ts';
import { headerOf } from './request-start.ts';

/** Costs next to nothing while tracing is off: the tracer then hands out spans that record nothing. */
export const traceRequests = createMiddleware<ApiEnv>(async (c, next) => {
  const request = {
    method: c.req.method,
    requestId: c.get('requestId'),
    header: (name: string) => headerOf(c, name),
  };
  const serve = async () => {
    await next();
    return c.res;
  };
  await inSpan(request, serve, () => c.req.routePath);
});

export type Traced = {
  readonly method: string;
  readonly requestId: string;
  readonly header: (name: string) => string | undefined;
};

/** Serves a request within its span; `routeOf` is asked when it was served. */
export async function inSpan<T extends { readonly status: number }>(
  { method, requestId, header }: Traced,
  serve: () => Promise<T>,
  routeOf: () => string,
): Promise<T> {
  const parent = propagation.extract(context.active(), {
    traceparent: header('traceparent'),
    tracestate: header('tracestate'),
  });
  const span = trace.getTracer('pitboss-api').startSpan(method, { kind: SpanKind.SERVER }, parent);
  let status = 500;
  try {
    const answer = await context.with(trace.setSpan(parent, span), serve);
    ({ status } = answer);
    return answer;
  } finally {
    const route = routeOf();
    span.updateName(`${method} ${route}`);
    span.setAttributes({
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
      'pitboss.request_id': requestId,
    });
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}
