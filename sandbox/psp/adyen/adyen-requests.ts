/** How a request to the Adyen dialect runs: key checked, work and its answer written in one transaction, answer delivered. */
import { createHash } from 'node:crypto';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import type { PartyContext } from '../../support/party-server.ts';
import type { Delivery } from '../behaviours.ts';
import { breakOff, pause } from '../delivery.ts';
import type { StoredAnswer } from '../idempotency.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import {
  adyenError,
  alreadyProcessed,
  internalError,
  refusalAnswer,
  wrongMerchant,
  wrongSyntax,
} from './adyen-errors.ts';

interface AdyenResult {
  answer: StoredAnswer;
  delivery?: Delivery;
  answeredLater?: boolean;
}

const keyLengthMax = 64;

export function send(c: PartyContext, { status, body }: StoredAnswer): Response {
  return c.json(body as object, status as ContentfulStatusCode);
}

interface Write<Body extends object> {
  schema: z.ZodType<Body>;
  merchantAccount: string;
  work: (body: Body, key: string | null) => AdyenResult;
}

function readBody<Body>(raw: string, schema: z.ZodType<Body>): Body | StoredAnswer {
  let json: unknown;
  try {
    json = JSON.parse(raw);
  } catch {
    return wrongSyntax('Request is empty or not JSON');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return adyenError(
    422,
    '14_0408',
    `Invalid or missing field '${issue?.path.join('.') ?? ''}': ${issue?.message ?? ''}`,
    'validation',
  );
}

const isAnswer = (value: unknown): value is StoredAnswer =>
  typeof value === 'object' && value !== null && 'status' in value && 'body' in value;

export async function answerWrite<Body extends object>(
  c: PartyContext,
  psp: Psp,
  { schema, merchantAccount, work }: Write<Body>,
): Promise<Response> {
  const raw = await c.req.text();
  const key = c.req.header('idempotency-key') ?? null;
  // The path alone: unlike Stripe, the same key with another body gets the first answer again.
  const fingerprint = createHash('sha256').update(`${c.req.method} ${c.req.path}`).digest('hex');
  if (key !== null) {
    if (key.length > keyLengthMax)
      return send(
        c,
        adyenError(422, '704', `Idempotency-Key is longer than ${keyLengthMax} characters`, 'validation'),
      );
    c.header('idempotency-key', key);
    const known = psp.idempotency.look(key, fingerprint);
    if (known.state === 'mismatch')
      return send(c, adyenError(422, '704', 'The key was used for another operation', 'validation'));
    if (known.state === 'in_flight') {
      c.header('transient-error', 'true');
      return send(c, alreadyProcessed(422));
    }
    if (known.state === 'answered') return send(c, known.answer);
  }
  const body = readBody(raw, schema);
  if (isAnswer(body)) return send(c, body);
  if ('merchantAccount' in body && body.merchantAccount !== merchantAccount) return send(c, wrongMerchant());

  let result: AdyenResult;
  try {
    result = psp.store.transaction(() => {
      const done = work(body, key);
      // The true result is kept even where the caller hears a 500: a repeat of the key tells what happened.
      if (key !== null)
        psp.idempotency.remember(key, fingerprint, done.answeredLater === true ? undefined : done.answer);
      return done;
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
  if (result.delivery === 'error500') {
    c.header('transient-error', 'true');
    return send(c, internalError());
  }
  return send(c, result.answer);
}
