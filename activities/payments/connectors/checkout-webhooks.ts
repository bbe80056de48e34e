/**
 * Checkout.com's events: HMAC-SHA256 over the raw body, hex, in `Cko-Signature`. The time of sending is not signed, but the
 * time of the event is, inside the body. A retry carries the same one, so an old event is no proof of a replay: it is taken
 * as the hint that every notice is, and the inbox takes it once. Beyond the window no honest retry is left.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { verifyWithAny } from '#domain/former-secrets.ts';
import { parseReference } from '#domain/payments/reference.ts';
import type { CheckoutAccount, WebhookNotice } from '../connectors.ts';
import { wireText } from './wire-text.ts';

const event = z.object({
  id: wireText(100),
  type: wireText(60),
  created_on: wireText(40),
  data: z.object({ id: wireText(100), reference: z.string().max(200).optional() }),
});

/** Events about disputes are of another make: another name for their time, and the payment beside the dispute. */
const disputeEvent = z.object({
  id: wireText(100),
  type: wireText(60).startsWith('dispute_'),
  timestamp: wireText(40),
  data: z.object({ id: wireText(100).min(1), payment_id: wireText(100).min(1) }),
});

/** Oldest event that is taken, in seconds: a week, longer than PSPs are known to retry (Stripe: 3 days). */
export const checkoutToleranceS = 7 * 86_400;

/** How far a sender's clock may run ahead, in seconds. */
const clockSkewS = 300;

const approvedTypes = new Set(['payment_approved', 'payment_captured', 'payment_paid']);

/** An event outside payments and their disputes yields no notice. */
export function verifyCheckoutWebhook(
  account: Pick<CheckoutAccount, 'webhookSecret' | 'formerSecrets'>,
  rawBody: Buffer,
  headers: Headers,
): Result<readonly WebhookNotice[]> {
  const signature = headers.get('cko-signature') ?? '';
  const verified = verifyWithAny(
    { current: account.webhookSecret, former: account.formerSecrets },
    Date.now(),
    (secret) =>
      isGenuine(secret, rawBody, signature)
        ? succeed(true)
        : fail('invalid-signature', 'The signature does not fit the body.'),
  );
  if (!verified.ok) return verified;
  const { formerSecret } = verified.value;
  const signedWith = formerSecret === null ? {} : { formerSecret };
  const told = parse(rawBody.toString('utf8'));
  const disputed = disputeEvent.safeParse(told);
  if (disputed.success)
    return isFresh(disputed.data.timestamp)
      ? succeed([{ ...disputeNotice(disputed.data), ...signedWith }])
      : stale;
  const parsed = event.safeParse(told);
  if (!parsed.success || !parsed.data.type.startsWith('payment_')) return succeed([]);
  if (!isFresh(parsed.data.created_on)) return stale;
  const { id, type, created_on: createdOn, data } = parsed.data;
  // Only our own form is kept: whatever else stands there is not ours to store.
  const reference =
    data.reference !== undefined && parseReference(data.reference) !== null ? data.reference : null;
  return succeed([
    {
      ...signedWith,
      externalId: id,
      reference,
      saysApproved: approvedTypes.has(type),
      saysFailed: type === 'payment_refund_declined',
      body: JSON.stringify({ id, type, created: createdOn, object: data.id, reference }),
    },
  ]);
}

/** How the dispute stands is asked for; the event only says that there is something to ask. */
const disputeNotice = ({ id, type, timestamp, data }: z.infer<typeof disputeEvent>): WebhookNotice => ({
  externalId: id,
  reference: null,
  saysApproved: false,
  dispute: { pspReference: data.id, chargeReference: data.payment_id },
  body: JSON.stringify({ id, type, created: timestamp, object: data.id }),
});

const stale = fail(
  'stale-signature',
  `The event is older than ${checkoutToleranceS} seconds, of the future, or without a time.`,
);

function isFresh(at: string): boolean {
  const ageS = (Date.now() - Date.parse(at)) / 1_000;
  return ageS <= checkoutToleranceS && ageS >= -clockSkewS;
}

function isGenuine(secret: string, rawBody: Buffer, signature: string): boolean {
  if (!/^[0-9a-f]{64}$/i.test(signature)) return false;
  const expected = createHmac('sha256', secret).update(rawBody).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
