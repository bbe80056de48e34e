/** Key management over HTTP in the style of the transit engine of HashiCorp Vault and OpenBao; the key never leaves it. */
import { z } from 'zod';
import type { KeyManagement } from './key-management.ts';
import { Refusal } from './refusal.ts';

export type TransitAccount = {
  readonly url: string;
  /** Name of the key at the transit engine: type aes256-gcm96. */
  readonly key: string;
  readonly accessToken: string;
};

const timeoutMs = 3_000;
const answerBytesMax = 64 * 1024;

const encrypted = z.object({
  data: z.object({ ciphertext: z.string().regex(/^vault:v\d+:[A-Za-z0-9+/=]+$/) }),
});
const decrypted = z.object({ data: z.object({ plaintext: z.string().regex(/^[A-Za-z0-9+/]{43}=$/) }) });
const described = z.object({ data: z.object({ latest_version: z.int().positive() }) });

export function openTransitKeys(account: TransitAccount): KeyManagement {
  const keyId = (version: string | number) => `transit:${account.key}:v${version}`;
  const context = (token: string) => Buffer.from(token, 'utf8').toString('base64');

  const ask = async <T>(operation: string, body: object | null, schema: z.ZodType<T>): Promise<T> => {
    const { status, text } = await call(account, operation, body);
    // The engine answers 400 to what does not decrypt: another key, another context, changed bytes.
    if (status === 400 && operation.startsWith('decrypt'))
      throw new Refusal(
        'card-unreadable',
        'The key management does not open this data key: row or key are not the same.',
      );
    if (status === 429 || status >= 500)
      throw new Refusal('keys-unavailable', `The key management answers ${status}.`);
    if (status !== 200) throw new Refusal('keys-refused', `The key management refuses: ${status}.`);
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) throw new Refusal('keys-unavailable', 'The key management answers something else.');
    return parsed.data;
  };

  return {
    currentKeyId: async () => {
      const { data } = await ask(`keys/${account.key}`, null, described);
      return keyId(data.latest_version);
    },
    wrap: async (dataKey, token) => {
      const body = { plaintext: dataKey.toString('base64'), associated_data: context(token) };
      const { data } = await ask(`encrypt/${account.key}`, body, encrypted);
      return { keyId: keyId(versionOf(data.ciphertext)), wrapped: Buffer.from(data.ciphertext, 'latin1') };
    },
    unwrap: async ({ wrapped }, token) => {
      const ciphertext = wrapped.toString('latin1');
      // Only the engine's own form goes on: a damaged row is no reason to bother it.
      if (!encrypted.safeParse({ data: { ciphertext } }).success)
        throw new Refusal('card-unreadable', 'The data key of this row is none of the key management.');
      const { data } = await ask(
        `decrypt/${account.key}`,
        { ciphertext, associated_data: context(token) },
        decrypted,
      );
      return Buffer.from(data.plaintext, 'base64');
    },
  };
}

const versionOf = (ciphertext: string): string => /^vault:v(\d+):/.exec(ciphertext)?.[1] ?? '0';

async function call(
  account: TransitAccount,
  operation: string,
  body: object | null,
): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(`${account.url.replace(/\/$/, '')}/v1/transit/${operation}`, {
      method: body === null ? 'GET' : 'POST',
      headers: { 'x-vault-token': account.accessToken, 'content-type': 'application/json' },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await answer.text();
    if (text.length > answerBytesMax) throw new Error('too long');
    return { status: answer.status, text };
  } catch (error) {
    throw new Refusal('keys-unavailable', 'The key management does not answer.', error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
