/** Lets the Temporal UI show what the payload codec has sealed, to people who may see it. */
import type { Payload, PayloadCodec } from '@temporalio/common';
import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { z } from '@hono/zod-openapi';
import { fail, FailureError } from '#domain/failures.ts';
import type { Api } from './app.ts';
import { requireOperator } from './backoffice-guard.ts';
import { limitBody } from './body-limit.ts';
import type { ApiDeps, ApiEnv } from './context.ts';
import { answerProblem } from './problem.ts';

/** A page of a history in one request; Temporal itself allows 2 MB for a single payload. */
const bodyBytesMax = 8 * 1024 * 1024;

const wirePayload = z.object({
  metadata: z.record(z.string(), z.base64()).optional(),
  data: z.base64().optional(),
});
const wireBody = z.object({ payloads: z.array(wirePayload).max(10_000) });

/**
 * Mounted before the general body limit. In development it is open to the UI's own origin on loopback; in production
 * the caller must be an operator who may read the audit trail.
 */
export function mountCodec(api: Api, deps: ApiDeps): void {
  const codec = deps.payloadCodec;
  if (codec === undefined) return;
  const uiOrigin =
    deps.config.temporal.uiUrl === undefined ? [] : [new URL(deps.config.temporal.uiUrl).origin];
  api.use(
    '/codec/*',
    cors({ origin: uiOrigin, allowHeaders: ['content-type', 'authorization', 'x-namespace'] }),
  );
  api.use('/codec/*', limitBody(bodyBytesMax, answerProblem));
  if (deps.config.mode === 'production') api.use('/codec/*', requireOperator(deps, 'compliance:audit:read'));
  else api.use('/codec/*', onlyLoopback);
  for (const direction of ['decode', 'encode'] as const) {
    api.post(`/codec/${direction}`, async (c) => {
      const body = wireBody.safeParse(await c.req.json().catch(() => undefined));
      if (!body.success) throw new FailureError(fail('invalid-request', 'Send {"payloads": [...]}.').failure);
      const payloads = body.data.payloads.map(fromWire);
      return c.json({ payloads: (await convert(codec, direction, payloads)).map(toWire) });
    });
  }
}

/** A page of another site may reach the port of a developer's browser, but it cannot fake this header. */
const onlyLoopback = createMiddleware<ApiEnv>(async (c, next) => {
  const address = `http://${c.req.header('host') ?? 'unknown'}`;
  const host = URL.canParse(address) ? new URL(address).hostname : '';
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(host)) {
    throw new FailureError(fail('forbidden', 'The codec is open on loopback only.').failure);
  }
  await next();
});

async function convert(
  codec: PayloadCodec,
  direction: 'decode' | 'encode',
  payloads: Payload[],
): Promise<Payload[]> {
  try {
    return await codec[direction](payloads);
  } catch {
    throw new FailureError(
      fail('invalid-request', 'A payload was not sealed by a key of this platform.').failure,
    );
  }
}

const fromWire = (payload: z.infer<typeof wirePayload>): Payload => ({
  metadata: Object.fromEntries(
    Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
  ),
  data: Buffer.from(payload.data ?? '', 'base64'),
});

const toWire = (payload: Payload): z.infer<typeof wirePayload> => ({
  metadata: Object.fromEntries(
    Object.entries(payload.metadata ?? {}).map(([name, value]) => [
      name,
      Buffer.from(value).toString('base64'),
    ]),
  ),
  data: Buffer.from(payload.data ?? []).toString('base64'),
});
