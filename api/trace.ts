/** A span per request, continuing the caller's trace where it sent one. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from './context.ts';

/** Costs next to nothing while tracing is off: the tracer then hands out spans that record nothing. */
export const traceRequests = createMiddleware<ApiEnv>(async (c, next) => {
  const parent = propagation.extract(context.active(), {
    traceparent: c.req.header('traceparent'),
    tracestate: c.req.header('tracestate'),
  });
  const span = trace.getTracer('pitboss-api').startSpan(c.req.method, { kind: SpanKind.SERVER }, parent);
  try {
    await context.with(trace.setSpan(parent, span), next);
  } finally {
    const route = c.req.routePath;
    span.updateName(`${c.req.method} ${route}`);
    span.setAttributes({
      'http.request.method': c.req.method,
      'http.route': route,
      'http.response.status_code': c.res.status,
      'pitboss.request_id': c.get('requestId'),
    });
    if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
});
