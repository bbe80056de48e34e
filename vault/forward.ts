/** Detokenise and forward: the card goes into a request to an allowed address of a PSP, its answer comes back without it. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { redactAnswer } from './answer-redaction.ts';
import { tokenForm, type Cards } from './cards.ts';
import { fillTemplate, templateBody } from './outgoing-template.ts';
import { Refusal } from './refusal.ts';

/** Where a connector's requests may go, and the one field of them that takes a card number. */
export const destination = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  origin: z
    .url({ protocol: /^https?$/ })
    .refine((value) => new URL(value).origin === value, 'must be an origin'),
  path: z.string().regex(/^\/[\w/.-]*$/),
  numberField: z.string().min(1).max(100),
  cvcField: z.string().min(1).max(100),
  /** SHA-256 (hex) of the headers `authorization` or `x-api-key` that name our own account there; several while a key is replaced. */
  credentialHashes: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .min(1)
    .max(4)
    .optional(),
});
export type Destination = z.infer<typeof destination>;

const headerNames = [
  'authorization',
  'x-api-key',
  'idempotency-key',
  'cko-idempotency-key',
  'stripe-version',
] as const;

export const forwardRequest = z.strictObject({
  token: z.string().regex(tokenForm),
  destination: z.string().max(40),
  headers: z
    .partialRecord(
      z.enum(headerNames),
      z
        .string()
        .max(1_000)
        .regex(/^[\x20-\x7e]*$/),
    )
    .default({}),
  body: templateBody,
});
export type ForwardRequest = z.infer<typeof forwardRequest>;

export type ForwardAnswer = {
  readonly status: number;
  readonly body: string;
  /** Adyen's word, as a header, that a repeat with the same key may end otherwise. */
  readonly isTransient?: true;
};

const timeoutMs = 8_000;
const answerBytesMax = 256 * 1024;

const unsentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export function createForwarder(cards: Cards, destinations: readonly Destination[]) {
  return async (request: ForwardRequest): Promise<ForwardAnswer> => {
    const target = destinations.find(({ name }) => name === request.destination);
    if (target === undefined)
      throw new Refusal('destination-refused', 'This destination is not on the list of the vault.');
    if (!isOwnAccount(target, request.headers))
      throw new Refusal(
        'destination-refused',
        'The request names another account there than the vault’s list does.',
      );
    const { code, ...card } = await cards.open(request.token);
    const cvc = code?.cvc ?? null;
    const { status, text, isTransient } = await unlessUnsent(
      () => void (code !== null && cards.giveBack(request.token, code)),
      () => {
        const filled = fillTemplate(request.body, { ...card, cvc }, target.numberField, target.cvcField);
        return send(target, request.headers, filled);
      },
    );
    const answer = redactAnswer(text, card.number, cvc);
    if (answer.kind === 'withheld')
      throw new Refusal(
        'answer-withheld',
        'The answer held the card number in a form that cannot be taken out.',
      );
    return { status, body: answer.text, ...(isTransient ? { isTransient: true as const } : {}) };
  };
}

/**
 * A caller brings the key of the account at the PSP. With one of his own he would have every card made a payment method of
 * his, at an address that is on the list.
 */
function isOwnAccount({ credentialHashes }: Destination, headers: ForwardRequest['headers']): boolean {
  if (credentialHashes === undefined) return true;
  const given = [headers.authorization, headers['x-api-key']].filter((value) => value !== undefined);
  return (
    given.length > 0 &&
    given.every((value) => credentialHashes.includes(createHash('sha256').update(value).digest('hex')))
  );
}

/** Only before a byte was on its way is no authorisation begun: its code may serve the next request. */
async function unlessUnsent<T>(giveBack: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal && unsentRefusals.has(error.code)) giveBack();
    throw error;
  }
}

const unsentRefusals: ReadonlySet<string> = new Set(['template-refused', 'destination-unreachable']);

async function send(
  target: Destination,
  headers: ForwardRequest['headers'],
  { contentType, text }: { contentType: string; text: string },
): Promise<{ status: number; text: string; isTransient: boolean }> {
  try {
    const answer = await fetch(`${target.origin}${target.path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': contentType, accept: 'application/json' },
      body: text,
      // A redirect would carry the card to an address that nobody allowed.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const isTransient = answer.headers.get('transient-error') === 'true';
    return { status: answer.status, text: await readBounded(answer), isTransient };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const code = codeOf(error);
    // The cause stays here: it may quote what was sent.
    if (code !== null && unsentCodes.has(code))
      throw new Refusal('destination-unreachable', `The destination refuses connections (${code}).`);
    throw new Refusal(
      'destination-silent',
      'The destination gave no usable answer; the request may have arrived.',
    );
  }
}

async function readBounded(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    length += chunk.byteLength;
    if (length > answerBytesMax)
      throw new Refusal('answer-withheld', 'The answer of the destination is too long to be looked through.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function codeOf(error: unknown): string | null {
  for (
    let cause: unknown = error, depth = 0;
    cause instanceof Error && depth < 5;
    cause = cause.cause, depth += 1
  ) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    if (cause instanceof AggregateError)
      return cause.errors.map(codeOf).find((code) => code !== null) ?? null;
  }
  return null;
}
