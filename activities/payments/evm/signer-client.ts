/** Asks the signer process for a signature. It holds the keys, decides by its own rules, and knows us by a shared key. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';

export type SignerAccount = { readonly url: string; readonly secret: string };

/** Everything that is signed, in the signer's own words; amounts are integers as text. */
export const signOrder = z.strictObject({
  chainId: z.int().positive(),
  /** Of the key below the account; the address must be its own, or the keys are not those that we think. */
  branch: z.union([z.literal(0), z.literal(1)]),
  index: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  from: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  /** Null for the chain's own coin. */
  contract: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .nullable(),
  to: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  rawAmount: z.string().regex(/^[1-9]\d{0,77}$/),
  nonce: z.int().min(0),
  gas: z.string().regex(/^[1-9]\d{0,9}$/),
  maxFeePerGas: z.string().regex(/^[1-9]\d{0,20}$/),
  maxPriorityFeePerGas: z.string().regex(/^\d{1,21}$/),
});
export type SignOrder = z.infer<typeof signOrder>;

export const signAnswer = z.strictObject({
  raw: z.string().regex(/^0x[0-9a-f]+$/),
  txHash: z.string().regex(/^0x[0-9a-f]{64}$/),
});
export type Signed = z.infer<typeof signAnswer>;

const refusal = z.object({ error: z.string(), detail: z.string() });

export type SignOutcome =
  | ({ readonly kind: 'signed' } & Signed)
  /** Its rules say no: asking again would not help. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'away'; readonly reason: string };

export interface Signer {
  sign(order: SignOrder): Promise<SignOutcome>;
}

export const timestampHeader = 'x-signer-timestamp';
export const signatureHeader = 'x-signer-signature';

/** Over time and body, so that neither can be changed on the way. */
export const requestSignature = (secret: string, timestamp: string, body: string): string =>
  createHmac('sha256', secret).update(`${timestamp}\n${body}`).digest('hex');

/** Less than the database lets a transaction wait: a nonce is taken and signed in one. */
const timeoutMs = 3_000;

export function openSigner({ url, secret }: SignerAccount): Signer {
  return {
    sign: async (order) => {
      const body = JSON.stringify(order);
      const timestamp = String(Date.now());
      try {
        const answer = await fetch(`${url}/sign`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            [timestampHeader]: timestamp,
            [signatureHeader]: requestSignature(secret, timestamp, body),
          },
          body,
          signal: AbortSignal.timeout(timeoutMs),
          redirect: 'error',
        });
        const said: unknown = await answer.json();
        if (answer.status === 200) return { kind: 'signed', ...signAnswer.parse(said) };
        if (answer.status !== 422) return { kind: 'away', reason: `the signer answered ${answer.status}` };
        const { error, detail } = refusal.parse(said);
        return { kind: 'refused', reason: `${error}: ${detail}`.slice(0, 200) };
      } catch (error) {
        return { kind: 'away', reason: error instanceof Error ? error.name : 'no answer' };
      }
    },
  };
}
