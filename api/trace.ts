/** A span per request, continuing the caller's trace where it sent one. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from './context.ts';
import { headerOf } from './request-start.ts';

/** Costs next to nothing while tracing is off: the tracer then hands out spans that record nothing. */
export const traceRequests = createMiddleware<ApiEnv>(async (c, next) => {
  await inSpan(c, async () => {
    await next();
    return c.res;
  });
});

/** Serves a request within its span. */
export async function inSpan(c: Context<ApiEnv>, serve: () => Promise<Response>): Promise<Response> {
  const parent = propagation.extract(context.active(), {
    traceparent: headerOf(c, 'traceparent'),
    tracestate: headerOf(c, 'tracestate'),
  });
  const span = trace.getTracer('pitboss-api').startSpan(c.req.method, { kind: SpanKind.SERVER }, parent);
  let status = 500;
  try {
    const answer = await context.with(trace.setSpan(parent, span), serve);
    ({ status } = answer);
    return answer;
  } finally {
    const route = c.req.routePath;
    span.updateName(`${c.req.method} ${route}`);
    span.setAttributes({
      'http.request.method': c.req.method,
      'http.route': route,
      'http.response.status_code': status,
      'pitboss.request_id': c.get('requestId'),
    });
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}
