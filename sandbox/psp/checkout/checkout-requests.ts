/** How a request to the Checkout.com dialect runs: key checked, work and its answer written in one transaction, answer delivered. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { PartyContext } from '../../support/party-server.ts';
import type { Delivery } from '../behaviours.ts';
import { breakOff, pause } from '../delivery.ts';
import type { StoredAnswer } from '../idempotency.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import { internalError, invalid, keyInUse, refusalAnswer } from './checkout-errors.ts';

export interface CheckoutResult {
  answer: StoredAnswer;
  delivery?: Delivery;
  /** The key stays in use until the engine completes the payment. */
  answeredLater?: boolean;
}

/** Errors often come without any body here. */
export function send({ status, body }: StoredAnswer): Response {
  const headers = { 'cko-request-id': crypto.randomUUID() };
  return body === undefined
    ? new Response(null, { status, headers })
    : new Response(JSON.stringify(body), {
        status,
        headers: { ...headers, 'content-type': 'application/json' },
      });
}

/** Reads need no key and no transaction. */
export function answerRead(read: () => unknown): Response {
  try {
    return send({ status: 200, body: read() });
  } catch (error) {
    if (error instanceof Refusal) return send(refusalAnswer(error));
    throw error;
  }
}

export async function answerWrite<Body extends object>(
  c: PartyContext,
  psp: Psp,
  { schema, work }: { schema: z.ZodType<Body>; work: (body: Body, key: string | null) => CheckoutResult },
): Promise<Response> {
  const raw = await c.req.text();
  const key = c.req.header('cko-idempotency-key') ?? null;
  const fingerprint = createHash('sha256').update(`${c.req.method} ${c.req.path}`).digest('hex');
  if (key !== null) {
    const known = psp.idempotency.look(key, fingerprint);
    if (known.state === 'mismatch' || known.state === 'in_flight') return send(keyInUse);
    if (known.state === 'answered') return send(known.answer);
  }
  const parsed = schema.safeParse(parse(raw));
  if (!parsed.success)
    return send(invalid(...parsed.error.issues.map((issue) => `${issue.path.join('_') || 'body'}_invalid`)));

  let result: CheckoutResult;
  try {
    result = psp.store.transaction(() => {
      const done = work(parsed.data, key);
      // Only what was answered well is kept: after an error the same key runs again, and may charge again.
      if (key !== null && done.delivery !== 'error500')
        psp.idempotency.remember(key, fingerprint, done.answeredLater === true ? undefined : done.answer);
      return done;
    });
  } catch (error) {
    if (error instanceof Refusal) return send(refusalAnswer(error));
    if (!(error instanceof RequestLost)) throw error;
    psp.scenario.set(psp.scenario.current());
    return breakOff(c, error.delivery, psp.scenario.current().timeoutMs);
  }

  const { mode, latencyMs, timeoutMs } = psp.scenario.current();
  if (mode === 'slow') {
    if (key === null) await pause(latencyMs);
    else await psp.idempotency.hold(key, () => pause(latencyMs));
  }
  if (result.delivery === 'silence' || result.delivery === 'drop')
    return breakOff(c, result.delivery, timeoutMs);
  return send(result.delivery === 'error500' ? internalError : result.answer);
}

function parse(raw: string): unknown {
  try {
    return raw === '' ? {} : JSON.parse(raw);
  } catch {
    return undefined;
  }
}
