/** Stripe's signed events, reduced to what may be stored. */
import Stripe from 'stripe';
import { z } from 'zod';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { verifyWithAny } from '#domain/former-secrets.ts';
import { parseReference } from '#domain/payments/reference.ts';
import type { StripeAccount, WebhookNotice } from '../connectors.ts';
import { wireText } from './wire-text.ts';

/** Oldest signature that is accepted, in seconds. */
export const stripeToleranceS = 300;

const families: ReadonlySet<string> = new Set(['payment_intent', 'charge', 'payout', 'refund']);
const alertTypes = 'radar.early_fraud_warning.';
const approvedTypes = new Set([
  'payment_intent.succeeded',
  'payment_intent.amount_capturable_updated',
  'charge.succeeded',
  'payout.paid',
]);

/** What every event has; the SDK takes any JSON under a right signature for one. */
const eventForm = z.object({
  id: wireText(255).min(1),
  type: wireText(255).min(1),
  created: z.number(),
  data: z.object({ object: z.unknown() }),
});

/** Checks the header over the raw bytes; an event outside payments, refunds, payouts and fraud reports yields no notice. */
export function verifyStripeWebhook(
  stripe: Stripe,
  account: Pick<StripeAccount, 'webhookSecret' | 'formerSecrets'>,
  rawBody: Buffer,
  headers: Headers,
): Result<readonly WebhookNotice[]> {
  const verified = verifyWithAny(
    { current: account.webhookSecret, former: account.formerSecrets },
    Date.now(),
    (secret) => eventSignedWith(stripe, secret, rawBody, headers),
  );
  if (!verified.ok) return verified;
  const { value, formerSecret } = verified.value;
  const parsed = eventForm.safeParse(value);
  if (!parsed.success) return fail('invalid-request', 'The signed body is no event.');
  const event = parsed.data;
  const family = event.type.split('.')[0];
  const isAlert = event.type.startsWith(alertTypes);
  if (!isAlert && (family === undefined || !families.has(family))) return succeed([]);
  const { object } = event.data;
  const reference = referenceIn(object);
  const status = statusIn(object);
  const dispute = event.type.startsWith('charge.dispute.') ? caseIn(object) : undefined;
  const fraudAlert = isAlert ? caseIn(object) : undefined;
  return succeed([
    {
      ...(dispute ? { dispute } : {}),
      ...(fraudAlert ? { fraudAlert } : {}),
      ...(formerSecret === null ? {} : { formerSecret }),
      externalId: event.id,
      reference,
      saysApproved: approvedTypes.has(event.type) || (family === 'refund' && status === 'succeeded'),
      saysFailed: family === 'refund' && (status === 'failed' || status === 'canceled'),
      body: JSON.stringify({
        id: event.id,
        type: event.type,
        created: event.created,
        object: idIn(object),
        reference,
      }),
    },
  ]);
}

function eventSignedWith(stripe: Stripe, secret: string, rawBody: Buffer, headers: Headers): Result<unknown> {
  try {
    const signature = headers.get('stripe-signature') ?? '';
    return succeed(stripe.webhooks.constructEvent(rawBody, signature, secret, stripeToleranceS));
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError && /tolerance/.test(error.message)) {
      return fail('stale-signature', `The signature is older than ${stripeToleranceS} seconds.`);
    }
    return fail('invalid-signature', 'The signature does not fit the body.');
  }
}

function referenceIn(object: unknown): string | null {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return null;
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null || !('reference' in metadata)) return null;
  // Only our own form is kept: whatever else stands there is not ours to store.
  return typeof metadata.reference === 'string' && parseReference(metadata.reference) !== null
    ? metadata.reference
    : null;
}

const nameOfTheirs = wireText(100).min(1);

const idIn = (object: unknown): string | null =>
  typeof object === 'object' && object !== null && 'id' in object
    ? (nameOfTheirs.safeParse(object.id).data ?? null)
    : null;

/** Of a dispute or a fraud report, which name their charge alike. */
function caseIn(object: unknown): WebhookNotice['dispute'] {
  const pspReference = idIn(object);
  if (pspReference === null || typeof object !== 'object' || object === null) return undefined;
  const charge = nameOfTheirs.safeParse('payment_intent' in object ? object.payment_intent : null);
  return charge.success ? { pspReference, chargeReference: charge.data } : undefined;
}

const statusIn = (object: unknown): unknown =>
  typeof object === 'object' && object !== null && 'status' in object ? object.status : null;
