/** A challenge's result that was submitted before, by whomever: Adyen's 409 with 704 is no refusal. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultWish } from '#domain/payments/three-ds.ts';
import { createAdyenConnector } from './adyen.ts';

const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  request.resume();
  response
    .writeHead(409, { 'content-type': 'application/json' })
    .end(
      JSON.stringify({ status: 409, errorCode: '704', message: 'request already processed or in progress' }),
    );
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

it('makes the payment wait for what became of it, and submits the result once', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const account = { url, apiKey: 'key', merchantAccount: 'PitbossTest', hmacKey: '0f'.repeat(32) };
  const outcome = await createAdyenConnector('beta', account, 2_000).continueAfterAction({
    reference: 'deposit:0198c0de-0000-4000-8000-0000000000ff:a1',
    playerId: '0198c0de-0000-4000-8000-000000000001',
    money: { amount: '12.34', asset: 'EUR' },
    token: 'token',
    method: 'card',
    captureMode: 'automatic',
    returnUrl: 'http://127.0.0.1:1/return',
    stepUp: false,
    threeDs: defaultWish,
    portable: null,
    pspReference: null,
    sentAt: new Date(0),
    ageMs: 0,
    returned: { redirectResult: 'Yxyz' },
    evidence: [],
  });
  expect(outcome).toEqual({ kind: 'pending', pspReference: null });
  expect(asked.filter((path) => path.endsWith('/payments/details'))).toHaveLength(1);
});
