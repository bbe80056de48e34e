/** Adyen's notifications: a batch of items, each signed over eight of its fields, reduced to those fields. */
import { timingSafeEqual } from 'node:crypto';
import { HmacValidator } from './adyen-sdk.ts';
import { z } from 'zod';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { verifyWithAny } from '#domain/former-secrets.ts';
import { parseReference } from '#domain/payments/reference.ts';
import type { AdyenAccount, WebhookNotice } from '../connectors.ts';
import { wireText } from './wire-text.ts';

const item = z.object({
  pspReference: wireText(100),
  originalReference: wireText(100).optional(),
  merchantAccountCode: wireText(100),
  merchantReference: z.string().max(100),
  amount: z.object({ value: z.int(), currency: wireText(10) }),
  eventCode: wireText(60),
  success: z.enum(['true', 'false']),
  additionalData: z.object({
    hmacSignature: wireText(200),
    // Not covered by the signature: a deadline from here only reminds people.
    defensePeriodEndsAt: wireText(40).optional(),
    chargebackReasonCode: wireText(40).optional(),
    nofReasonCode: wireText(40).optional(),
  }),
});

const envelope = z.object({
  notificationItems: z
    .array(z.object({ NotificationRequestItem: item }))
    .min(1)
    .max(50),
});

/** Every word of Adyen about a dispute that changes something for us. */
export const disputeCodes: ReadonlySet<string> = new Set([
  'REQUEST_FOR_INFORMATION',
  'NOTIFICATION_OF_CHARGEBACK',
  'CHARGEBACK',
  'CHARGEBACK_REVERSED',
  'SECOND_CHARGEBACK',
  'PREARBITRATION_WON',
  'PREARBITRATION_LOST',
  'INFORMATION_SUPPLIED',
  'DISPUTE_DEFENSE_PERIOD_ENDED',
]);

/** The issuer's report of fraud to its scheme (TC40, SAFE), passed on. */
export const fraudAlertCode = 'NOTIFICATION_OF_FRAUD';

const refundFailures: ReadonlySet<string> = new Set([
  'REFUND:false',
  'REFUND_FAILED:true',
  'REFUNDED_REVERSED:true',
]);

export type AdyenItem = z.infer<typeof item>;

type Signed = Pick<AdyenAccount, 'hmacKey' | 'merchantAccount' | 'formerSecrets'>;

/** All items must be genuine and for our merchant account, or none is taken. */
export function verifyAdyenWebhook(account: Signed, rawBody: Buffer): Result<readonly WebhookNotice[]> {
  const parsed = envelope.safeParse(parse(rawBody.toString('utf8')));
  if (!parsed.success) return fail('invalid-signature', 'There is no signed notification in the body.');
  const items = parsed.data.notificationItems.map((entry) => entry.NotificationRequestItem);
  const nowMs = Date.now();
  const keys = { current: account.hmacKey, former: account.formerSecrets };
  const genuine: { readonly one: AdyenItem; readonly formerSecret: string | null }[] = [];
  for (const one of items) {
    const verified = verifyWithAny(keys, nowMs, (hmacKey) =>
      isGenuine(one, account.merchantAccount, hmacKey)
        ? succeed(one)
        : fail('invalid-signature', 'The signature of an item does not fit it.'),
    );
    if (!verified.ok) return verified;
    genuine.push({ one, formerSecret: verified.value.formerSecret });
  }
  return succeed(
    genuine.map(({ one, formerSecret }) => ({
      ...(formerSecret === null ? {} : { formerSecret }),
      ...(disputeCodes.has(one.eventCode)
        ? {
            dispute: {
              pspReference: one.pspReference,
              chargeReference: one.originalReference ?? '',
            },
          }
        : {}),
      ...(one.eventCode === fraudAlertCode
        ? { fraudAlert: { pspReference: one.pspReference, chargeReference: one.originalReference ?? '' } }
        : {}),
      saysFailed: refundFailures.has(`${one.eventCode}:${one.success}`),
      externalId: `${one.eventCode}:${one.pspReference}:${one.success}`,
      reference: referenceOf(one),
      saysApproved:
        one.success === 'true' &&
        (one.eventCode === 'AUTHORISATION' ||
          one.eventCode === 'PAYOUT_THIRDPARTY' ||
          one.eventCode === 'REFUND' ||
          one.eventCode === 'CAPTURE' ||
          // No money moves by it: one that names nothing of ours needs nobody.
          (one.eventCode === 'CANCELLATION' && referenceOf(one) !== null)),
      body: JSON.stringify(one),
    })),
  );
}

const referenceOf = ({ merchantReference }: AdyenItem): string | null =>
  parseReference(merchantReference) === null ? null : merchantReference;

/**
 * Reads stored items back and checks each signature again, so that a changed row is no evidence. They were taken while
 * their key was valid: one that has ended since still proves them, for as long as it is configured.
 */
export function readEvidence(
  account: Signed,
  bodies: readonly string[],
  by: string | { readonly pspReference: string } | { readonly originalReference: string },
): readonly AdyenItem[] {
  const isAbout = (one: AdyenItem): boolean => {
    if (typeof by === 'string') return one.merchantReference === by;
    return 'pspReference' in by
      ? one.pspReference === by.pspReference
      : one.originalReference === by.originalReference;
  };
  return bodies.flatMap((body) => {
    const parsed = item.safeParse(parse(body));
    if (!parsed.success || !isAbout(parsed.data)) return [];
    const keys = [account.hmacKey, ...(account.formerSecrets ?? []).map(({ secret }) => secret)];
    return keys.some((key) => isGenuine(parsed.data, account.merchantAccount, key)) ? [parsed.data] : [];
  });
}

const validator = new HmacValidator();

function isGenuine(one: AdyenItem, merchantAccount: string, hmacKey: string): boolean {
  if (one.merchantAccountCode !== merchantAccount) return false;
  const signed = [
    one.pspReference,
    one.originalReference ?? '',
    one.merchantAccountCode,
    one.merchantReference,
    String(one.amount.value),
    one.amount.currency,
    one.eventCode,
    one.success,
  ].join(':');
  return hmacMatches(validator.calculateHmac(signed, hmacKey), one.additionalData.hmacSignature);
}

function hmacMatches(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected, 'base64'), Buffer.from(given, 'base64')];
  return a.length === b.length && timingSafeEqual(a, b);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
