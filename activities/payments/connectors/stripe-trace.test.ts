/** A lost call among many thousands at Stripe, and every way in which a miss must not be taken for proof. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWireServer, type WireRequest, type WireServer } from '#test/support/wire-server.ts';
import type { PaymentOrder, PspConnector } from '../connectors.ts';
import { createStripeConnector } from './stripe.ts';

const minuteMs = 60_000;
const reference = 'deposit:0198c0de-0000-4000-8000-0000000000aa:a1';

let wire: WireServer;
let stripe: PspConnector;
/** Instants of the payments of others, newest first, and of ours, which may be none. */
let others: readonly number[] = [];
let ours: number | null = null;
let date: Date | null = null;

beforeAll(async () => {
  wire = await startWireServer((request, response) => {
    if (request.path.startsWith('/v1/payment_intents/pi_ours'))
      return { body: intent('pi_ours', ours ?? 0, { reference }) };
    response.sendDate = false;
    return {
      body: listFor(request),
      headers: date === null ? {} : { date: date.toUTCString() },
    };
  });
  const account = { url: wire.url, apiKey: 'sk_test_trace', webhookSecret: 'whsec_trace' };
  stripe = createStripeConnector('alpha', account, 5_000);
});
afterAll(() => wire.close());

const intent = (id: string, atMs: number, metadata: object) => ({
  id,
  object: 'payment_intent',
  status: 'succeeded',
  amount: 1234,
  amount_received: 1234,
  currency: 'eur',
  created: Math.floor(atMs / 1_000),
  latest_charge: null,
  payment_method: 'pm_1',
  payment_method_types: ['card'],
  metadata,
});

function listFor({ path }: WireRequest): object {
  const query = new URL(path, 'http://stripe.test').searchParams;
  const [from, to] = ['gte', 'lte'].map((bound) => Number(query.get(`created[${bound}]`)) * 1_000);
  const all = others.map((atMs, index) => intent(`pi_${index}`, atMs, {}));
  if (ours !== null) all.push(intent('pi_ours', ours, { reference }));
  const within = all
    .filter(({ created }) => created * 1_000 >= (from ?? 0) && created * 1_000 <= (to ?? 0))
    .toSorted((a, b) => b.created - a.created);
  const start = within.findIndex(({ id }) => id === query.get('starting_after')) + 1;
  return {
    object: 'list',
    url: '/v1/payment_intents',
    data: within.slice(start, start + 100),
    has_more: within.length > start + 100,
  };
}

/** Asked `ageMs` after it was sent, of a Stripe whose clock is `skewMs` ahead of ours. */
async function ask(more: {
  ageMs?: number;
  skewMs?: number | null;
  oursAtMs?: number | null;
  others?: number[];
}) {
  const sentAt = new Date('2026-11-20T12:00:00.000Z');
  const { ageMs = 30 * minuteMs, skewMs = 0, oursAtMs = null } = more;
  others = (more.others ?? []).map((atMs) => sentAt.getTime() + atMs);
  ours = oursAtMs === null ? null : sentAt.getTime() + oursAtMs;
  date = skewMs === null ? null : new Date(sentAt.getTime() + ageMs + skewMs);
  const order: PaymentOrder = {
    reference,
    playerId: '0198c0de-0000-4000-8000-000000000001',
    money: { amount: '12.34', asset: 'EUR' },
    token: 'pm_1',
    returnUrl: 'http://127.0.0.1:1/return',
    method: 'card',
    captureMode: 'automatic',
    stepUp: false,
    threeDs: { want: 'no-preference', exemption: null, whenUnavailable: 'proceed' },
    portable: null,
    pspReference: null,
    sentAt,
    ageMs,
    returned: null,
    evidence: [],
  };
  return stripe.status(order);
}

const spread = (count: number, fromMs: number, toMs: number): number[] =>
  Array.from({ length: count }, (_, index) => fromMs + ((toMs - fromMs) * index) / count);

test('a charge is found behind thousands of newer ones', async () => {
  const told = await ask({ oursAtMs: 500, others: spread(3_000, minuteMs, 59 * minuteMs) });
  expect(told.kind).toBe('approved');
});

test('a charge is found behind thousands of the same minute', async () => {
  const told = await ask({ oursAtMs: 500, others: spread(3_000, 1_000, minuteMs) });
  expect(told.kind).toBe('approved');
});

test.each([-29, 29])('a charge is found where the clocks differ by %i minutes', async (minutes) => {
  const told = await ask({ oursAtMs: minutes * minuteMs, skewMs: minutes * minuteMs });
  expect(told.kind).toBe('approved');
});

test('a miss is proof once all was read after the longest processing time', async () => {
  expect(await ask({ others: spread(300, -50 * minuteMs, 29 * minuteMs) })).toEqual({
    kind: 'not_found',
    authoritative: true,
  });
});

test.each([
  ['before the longest processing time is over', { ageMs: 14 * minuteMs }],
  ['where the PSP is far behind our clock', { skewMs: -45 * minuteMs }],
  ['where the PSP is far ahead of our clock', { skewMs: 45 * minuteMs }],
  ['where the answer tells no time', { skewMs: null }],
  ['where the list was cut', { others: spread(20_100, -55 * minuteMs, 55 * minuteMs) }],
])(
  'a miss is no proof %s',
  async (_when, more) => {
    expect(await ask(more)).toEqual({ kind: 'not_found', authoritative: false });
  },
  30_000,
);
