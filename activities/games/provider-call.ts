/**
 * The one way our calls travel to game providers: within a time, up to a size, never redirected, and nothing of the
 * answer believed before a schema has seen it.
 */
import { parse } from 'lossless-json';
import { z } from 'zod';
import { fail, succeed, type Failure, type Result } from '#domain/failures.ts';

export type ProviderCall = {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  /** The bytes that were signed. */
  readonly body?: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly answerBytesMax?: number;
};

export type ProviderAnswer = { readonly status: number; readonly text: string };

const timeoutMsDefault = 5_000;
const answerBytesMaxDefault = 256 * 1024;

/** For whole catalogues. */
export const catalogueCall = { timeoutMs: 20_000, answerBytesMax: 16 * 1024 * 1024 } as const;

/**
 * The answer, whatever its status below 500. `dependency-unavailable` for everything else: no answer in time, a
 * redirect, too many bytes, a status of 500 or more, 408 or 429.
 */
export async function callProvider(call: ProviderCall): Promise<Result<ProviderAnswer>> {
  try {
    const response = await fetch(call.url, {
      method: call.method ?? 'POST',
      headers: {
        ...call.headers,
        ...(call.body ? { 'content-type': 'application/json; charset=utf-8' } : {}),
      },
      ...(call.body ? { body: new Uint8Array(call.body) } : {}),
      redirect: 'error',
      signal: AbortSignal.timeout(call.timeoutMs ?? timeoutMsDefault),
    });
    const { status } = response;
    const text = await readBounded(response, call.answerBytesMax ?? answerBytesMaxDefault);
    if (text === null) return fail('dependency-unavailable', 'The answer of the provider is too large.');
    if (status >= 500 || status === 408 || status === 429)
      return fail('dependency-unavailable', `The provider answered with status ${status}.`);
    return succeed({ status, text });
  } catch {
    return fail('dependency-unavailable', 'The provider does not answer.');
  }
}

/** Null beyond `bytesMax`; the rest is not read. Throws on bytes that are no UTF-8. */
async function readBounded(response: Response, bytesMax: number): Promise<string | null> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return null;
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

/** Numbers that a float would change arrive as text; undefined for what is no JSON. */
export function parseAnswer(text: string): unknown {
  try {
    return parse(text, null, (number) =>
      /^-?\d+$/.test(number) && Number.isSafeInteger(Number(number)) ? Number(number) : number,
    );
  } catch {
    return undefined;
  }
}

/** The answer in a shape; `dependency-unavailable` for any other. */
export function readAnswer<T extends z.ZodType>(schema: T, { text }: ProviderAnswer): Result<z.infer<T>> {
  const parsed = schema.safeParse(parseAnswer(text));
  return parsed.success ? succeed(parsed.data) : noAnswer();
}

export const noAnswer = (): Result<never> =>
  fail('dependency-unavailable', 'The provider answered with something that is no answer.');

/** Where nothing was asked about that could be missing, "unknown" means us or the game: a refusal. */
export const refusedIfUnknown = (answer: { readonly ok: false; readonly failure: Failure }): Result<never> =>
  answer.failure.code === 'transaction-not-found' ? fail('provider-refused', answer.failure.detail) : answer;

/** A link that a player's browser may follow; never a script. */
export const linkAnswer = z
  .url({ protocol: /^https?$/ })
  .max(4_096)
  .regex(/^[\x21-\x7e]+$/);

/** Short text of a provider; longer is not what it claims to be. */
export const shortText = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must be printable');

/** What a provider says about its refusal, made fit for a log and a screen: printable and short. */
export const saidBy = (text: string): string => text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
