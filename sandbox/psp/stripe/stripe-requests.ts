/** How a request to the Stripe dialect runs: key checked, work and its answer written in one transaction, answer delivered. */
import { createHash } from 'node:crypto';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { PartyContext } from '../../support/party-server.ts';
import type { Delivery } from '../behaviours.ts';
import { breakOff, pause } from '../delivery.ts';
import type { StoredAnswer } from '../idempotency.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import { type FormObject, parseForm } from './form-encoding.ts';
import { internalError, keyInUse, keyMismatch, refusalAnswer } from './stripe-errors.ts';

export interface StripeResult {
  answer: StoredAnswer;
  delivery?: Delivery;
  /** The key stays in use until the engine completes the payment. */
  answeredLater?: boolean;
}

export function send(c: PartyContext, { status, body }: StoredAnswer): Response {
  return c.json(body as object, status as ContentfulStatusCode, {
    'request-id': `req_${crypto.randomUUID().slice(0, 14).replaceAll('-', '')}`,
  });
}

/** Reads need no key and no transaction. */
export function answerRead(c: PartyContext, read: () => unknown): Response {
  try {
    return send(c, { status: 200, body: read() });
  } catch (error) {
    if (error instanceof Refusal) return send(c, refusalAnswer(error));
    throw error;
  }
}

export async function answerWrite(
  c: PartyContext,
  psp: Psp,
  work: (form: FormObject, key: string | null) => StripeResult,
): Promise<Response> {
  const raw = await c.req.text();
  const key = c.req.header('idempotency-key') ?? null;
  const fingerprint = createHash('sha256').update(`${c.req.method} ${c.req.path}\n${raw}`).digest('hex');
  if (key !== null) {
    const known = psp.idempotency.look(key, fingerprint);
    if (known.state === 'mismatch') return send(c, keyMismatch(key));
    if (known.state === 'in_flight') return send(c, keyInUse);
    if (known.state === 'answered') {
      c.header('idempotent-replayed', 'true');
      return send(c, known.answer);
    }
  }

  let result: StripeResult;
  try {
    result = psp.store.transaction(() => {
      const done = work(parseForm(raw), key);
      // Stripe replays whatever it answered first, a 500 included.
      const stored = done.delivery === 'error500' ? internalError : done.answer;
      if (key !== null)
        psp.idempotency.remember(key, fingerprint, done.answeredLater === true ? undefined : stored);
      return { ...done, answer: stored };
    });
  } catch (error) {
    if (error instanceof Refusal) return send(c, refusalAnswer(error));
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
  return send(c, result.answer);
}
