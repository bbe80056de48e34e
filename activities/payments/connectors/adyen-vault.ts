/**
 * Adyen's /payments with the card in it, sent by our own card vault: here a template, there the number. This request is
 * the charge itself, so only what the vault says before it sends proves that nothing was charged; all else is asked about
 * by a repeat of the key, which Adyen answers with its first answer, whatever card data the repeat still has.
 */
import type { checkoutTypes } from './adyen-sdk.ts';
import type { AdyenAccount, VaultAccount } from '../connectors.ts';
import { AdyenRefusal, errorCodeOf } from './adyen-client.ts';
import { fieldsOf, forwardThrough } from './card-vault.ts';
import { toTransportFailure, TransportFailure } from './transport.ts';

/** What the vault refuses before it sends anything. */
const unsentCodes: ReadonlySet<unknown> = new Set([
  'card-unreadable',
  'database-unavailable',
  'destination-refused',
  'destination-unreachable',
  'invalid-request',
  'invalid-signature',
  'keys-refused',
  'keys-unavailable',
  'stale-signature',
  'template-refused',
  'unknown-token',
]);

/** In place of the name of a stored card. Adyen keeps the card, so that payouts have a name for it. */
export const cardOfVault = {
  paymentMethod: {
    type: 'scheme',
    number: '{{number}}',
    expiryMonth: '{{expiryMonth}}',
    expiryYear: '{{expiryYear}}',
    cvc: '{{cvc}}',
  },
  storePaymentMethod: true,
} as const;

/** Answers as the SDK's call does. Throws TransportFailure or AdyenRefusal, as its client does. */
export async function payFromVault(
  vault: VaultAccount | undefined,
  { name, apiKey }: Pick<AdyenAccount, 'apiKey'> & { readonly name: string },
  charge: { readonly token: string; readonly key: string; readonly fields: object },
): Promise<checkoutTypes.PaymentResponse> {
  if (vault === undefined) throw new TransportFailure('no card vault is configured', true, undefined);
  const answer = await forwarded(
    vault,
    JSON.stringify({
      token: charge.token,
      destination: name,
      headers: { 'x-api-key': apiKey, 'idempotency-key': charge.key },
      body: { encoding: 'json', fields: charge.fields },
    }),
  );
  const status = Number(answer['status']);
  const body = parse(String(answer['body']));
  if (!(status >= 200 && status < 300))
    throw new AdyenRefusal(status, errorCodeOf(body), answer['isTransient'] === true);
  // What cannot be read proves nothing.
  if (body === undefined) throw new TransportFailure('unreadable answer', false, undefined);
  return body as checkoutTypes.PaymentResponse;
}

async function forwarded(vault: VaultAccount, body: string): Promise<Readonly<Record<string, unknown>>> {
  let answer: Response;
  let told: Readonly<Record<string, unknown>>;
  try {
    answer = await forwardThrough(vault, body);
    told = fieldsOf(parse(await answer.text()));
  } catch (error) {
    // A connection that was refused never reached the vault; one that broke may have reached Adyen through it.
    throw toTransportFailure(error);
  }
  const code = told['code'];
  if (answer.ok) return told;
  const reason = `card vault: ${typeof code === 'string' ? code : answer.status}`;
  throw new TransportFailure(reason, unsentCodes.has(code), undefined);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
