/** What proves at Adyen that a hold is over: its signed notice, whoever asked for the cancellation. */
import { expect, test } from 'vitest';
import type { ModificationOrder } from '../connectors.ts';
import { createAdyenConnector } from './adyen.ts';
import { HmacValidator } from './adyen-sdk.ts';

const hmacKey = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056';
// Nothing listens there: a question that must be asked over the wire is not sent.
const beta = createAdyenConnector(
  'beta',
  { url: 'http://127.0.0.1:1', apiKey: 'key', merchantAccount: 'PitbossTest', hmacKey },
  500,
);
const reference = 'deposit:0198c0de-0000-4000-8000-000000000001:a1';

function notice(changes: Readonly<Record<string, string>>): string {
  const item = {
    pspReference: 'CANCEL-1',
    originalReference: 'CHARGE-1',
    merchantAccountCode: 'PitbossTest',
    merchantReference: reference,
    amount: { value: 5_000, currency: 'EUR' },
    eventCode: 'CANCELLATION',
    success: 'true',
    ...changes,
  };
  const signed = [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.merchantReference,
    '5000',
    'EUR',
    item.eventCode,
    item.success,
  ].join(':');
  const hmacSignature = new HmacValidator().calculateHmac(signed, hmacKey);
  return JSON.stringify({ ...item, additionalData: { hmacSignature } });
}

const asked = (evidence: readonly string[]) => {
  const order: ModificationOrder = {
    kind: 'void',
    isFinal: true,
    reference: `${reference}:v`,
    chargeReference: 'CHARGE-1',
    money: { amount: '50.00', asset: 'EUR' },
    capturedBefore: { amount: '0', asset: 'EUR' },
    pspReference: 'CANCEL-0',
    ageMs: 60_000,
    evidence,
  };
  return beta.modifications?.modificationStatus(order);
};

test('a cancellation of the charge that a person made in Adyen’s pages ends the hold', async () => {
  expect(await asked([notice({})])).toMatchObject({ kind: 'approved', pspReference: 'CANCEL-1' });
  expect(await asked([notice({ merchantReference: `${reference}:v` })])).toMatchObject({ kind: 'approved' });
});

test('a cancellation of another charge, a failed one, or one whose content was changed proves nothing', async () => {
  const forged = notice({}).replace('CANCEL-1', 'CANCEL-2');
  for (const body of [notice({ originalReference: 'CHARGE-2' }), notice({ success: 'false' }), forged])
    expect((await asked([body]))?.kind).not.toBe('approved');
});

test('a notice about our void finds the deposit that it belongs to, and says that there is something to ask', () => {
  const body = {
    NotificationRequestItem: JSON.parse(notice({ merchantReference: `${reference}:v` })) as unknown,
  };
  const raw = Buffer.from(JSON.stringify({ live: 'false', notificationItems: [body] }));
  expect(beta.verifyWebhook(raw, new Headers())).toMatchObject({
    ok: true,
    value: [{ reference: `${reference}:v`, saysApproved: true }],
  });
});
