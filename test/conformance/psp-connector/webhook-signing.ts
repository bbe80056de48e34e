/** Signs bodies as each PSP does, so that forged, old and repeated webhooks can be made without the PSP. */
import { createHmac } from 'node:crypto';

export type Signing = {
  /** Headers for `body`, signed now or `ageS` seconds ago. */
  headers(body: string, ageS?: number): Headers;
  /** The same with another secret. */
  forged(body: string): Headers;
  /** A body that names `reference`, says that its money moved `ageS` seconds ago, and is genuine with `headers(body)`. */
  body(reference: string, ageS?: number): string;
  /** The same body, changed after it was signed. */
  tampered(body: string): string;
};

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text, 'utf8');

const stripeHeaders = (secret: string, body: string, ageS: number): Headers => {
  const at = Math.floor(Date.now() / 1_000) - ageS;
  return new Headers({ 'stripe-signature': `t=${at},v1=${hmac(secret, `${at}.${body}`).digest('hex')}` });
};

const adyenBody = (hmacKey: string, reference: string): string => {
  const item = {
    pspReference: 'ABCDEFGHIJKLMNOP',
    merchantAccountCode: 'PitbossTest',
    merchantReference: reference,
    amount: { value: 1_234, currency: 'EUR' },
    eventCode: 'AUTHORISATION',
    success: 'true',
  };
  const signed = `${item.pspReference}::PitbossTest:${reference}:1234:EUR:AUTHORISATION:true`;
  const hmacSignature = hmac(Buffer.from(hmacKey, 'hex'), signed).digest('base64');
  return JSON.stringify({
    live: 'false',
    notificationItems: [{ NotificationRequestItem: { ...item, additionalData: { hmacSignature } } }],
  });
};

export const signedBy = {
  stripe: (secret: string): Signing => ({
    headers: (body, ageS = 0) => stripeHeaders(secret, body, ageS),
    forged: (body) => stripeHeaders(`${secret}x`, body, 0),
    body: (reference) =>
      JSON.stringify({
        id: 'evt_contract',
        object: 'event',
        type: 'payment_intent.succeeded',
        created: 1_790_000_000,
        data: { object: { id: 'pi_contract', object: 'payment_intent', metadata: { reference } } },
      }),
    tampered: (body) => body.replace('pi_contract', 'pi_other'),
  }),
  adyen: (hmacKey: string): Signing => ({
    headers: () => new Headers(),
    // Each item carries its own signature: a forger has to change the item.
    forged: () => new Headers(),
    body: (reference) => adyenBody(hmacKey, reference),
    tampered: (body) => body.replace('1234', '9234'),
  }),
  checkout: (secret: string): Signing => ({
    headers: (body) => new Headers({ 'cko-signature': hmac(secret, body).digest('hex') }),
    forged: (body) => new Headers({ 'cko-signature': hmac(`${secret}x`, body).digest('hex') }),
    body: (reference, ageS = 0) =>
      JSON.stringify({
        id: 'evt_contract',
        type: 'payment_captured',
        created_on: new Date(Date.now() - ageS * 1_000).toISOString(),
        data: { id: 'pay_contract', reference, amount: 1_234, currency: 'EUR' },
      }),
    tampered: (body) => body.replace('1234', '9234'),
  }),
} as const;
