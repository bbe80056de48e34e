/** Orders for the contract's scenarios, each with a reference of its own, and what the PSP has booked for them. */
import type { PaymentOrder, PayoutOrder, WebhookNotice } from '#activities/payments/connectors.ts';
import { defaultWish, type ThreeDsWish } from '#domain/payments/three-ds.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { Movement, PspRig } from './psp-rig.ts';

export type Scenario = { readonly name: string; run(rig: PspRig): Promise<void> };

export const mandated: ThreeDsWish = { ...defaultWish, want: 'challenge-mandated' };

let count = 0;

const nextId = (): string => {
  count += 1;
  return `0198c0de-0000-4000-8000-${String(count).padStart(12, '0')}`;
};

export async function chargeOrder(
  rig: PspRig,
  number: string,
  more: Partial<PaymentOrder> = {},
): Promise<PaymentOrder> {
  return {
    reference: `deposit:${nextId()}:a1`,
    playerId: rig.playerId,
    money: { amount: '12.34', asset: 'EUR' },
    token: more.token ?? (await rig.tokenise(number)),
    returnUrl: 'http://127.0.0.1:1/return?t=abc',
    method: 'card',
    captureMode: 'automatic',
    stepUp: false,
    threeDs: more.stepUp === true ? mandated : defaultWish,
    portable: null,
    pspReference: null,
    sentAt: new Date(),
    ageMs: 0,
    returned: null,
    evidence: [],
    ...more,
  };
}

/** To a card that has paid in before, as every payout is. */
export async function payoutOrder(rig: PspRig, number: string): Promise<PayoutOrder> {
  const paidIn = await rig.connector.authorise(await chargeOrder(rig, number));
  if (paidIn.kind !== 'approved' || paidIn.instrument === null) throw new Error(`the card is ${paidIn.kind}`);
  const {
    returnUrl: _url,
    stepUp: _stepUp,
    returned: _returned,
    method: _method,
    captureMode: _mode,
    threeDs: _threeDs,
    portable: _portable,
    ...order
  } = await chargeOrder(rig, number, {
    token: paidIn.instrument.token,
  });
  return { ...order, reference: order.reference.replace('deposit:', 'withdrawal:').replace(':a1', ':p1') };
}

export async function booked(rig: PspRig, kind: Movement['kind'], reference: string): Promise<number> {
  const movements = await rig.movements();
  return movements.filter((row) => row.kind === kind && row.reference === reference).length;
}

/** What genuine webhooks have told so far. */
const noticesOf = (rig: PspRig): WebhookNotice[] =>
  rig.receiver.received.flatMap(({ body, headers }) => {
    const verified = rig.connector.verifyWebhook(Buffer.from(body), headersOf(headers));
    return verified.ok ? [...verified.value] : [];
  });

/** The bodies of genuine webhooks about `reference` so far, as the inbox keeps them. */
export const evidenceOf = (rig: PspRig, reference: string): string[] =>
  noticesOf(rig).flatMap((notice) => (notice.reference === reference ? [notice.body] : []));

export const disputeNoticesOf = (rig: PspRig, id: string): WebhookNotice[] =>
  noticesOf(rig).filter(({ dispute }) => dispute?.pspReference === id);

export const fraudNoticesOf = (rig: PspRig, id: string): WebhookNotice[] =>
  noticesOf(rig).filter(({ fraudAlert }) => fraudAlert?.pspReference === id);

const headersOf = (headers: Readonly<Record<string, string | string[] | undefined>>): Headers =>
  new Headers(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );

/** An outcome in one word, with its class where it was declined. */
export const shown = (outcome: PspOutcome): string =>
  outcome.kind === 'declined' ? `declined:${outcome.declineClass}` : outcome.kind;

/** Asks until the answer is one of `kinds`, with the webhooks that have come by then. */
export async function askUntil(
  rig: PspRig,
  order: PaymentOrder | PayoutOrder,
  ask: (order: PaymentOrder) => Promise<PspOutcome>,
  kinds: readonly string[],
  withinMs = 10_000,
): Promise<PspOutcome> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const asked = {
      returnUrl: '',
      stepUp: false,
      returned: null,
      method: 'card' as const,
      captureMode: 'automatic' as const,
      threeDs: defaultWish,
      portable: null,
      ...order,
    };
    const outcome = await ask({ ...asked, evidence: evidenceOf(rig, order.reference) });
    if (kinds.includes(outcome.kind) || Date.now() > deadline) return outcome;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

/** Sends the order, goes to where it says, presses a button and comes back. */
export async function passChallenge(
  rig: PspRig,
  order: PaymentOrder,
  outcome: 'pass' | 'fail',
): Promise<PaymentOrder> {
  const action = await rig.connector.authorise(order);
  if (action.kind !== 'action') throw new Error(`expected an action, got ${action.kind}`);
  const page = await fetch(action.url, {
    method: 'POST',
    body: new URLSearchParams({ outcome }),
    redirect: 'manual',
  });
  const returned = Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams);
  return { ...order, pspReference: action.pspReference, returned };
}
