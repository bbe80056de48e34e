/**
 * What our connector sends, held against Stripe's published API by Stripe's own checker. It keeps nothing and declines
 * nothing, so this says only that the requests are ones that Stripe understands; what we make of answers is tested
 * against the sandbox.
 */
import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createPspConnectors,
  type PaymentOrder,
  type PspConnector,
} from '#activities/payments/connectors.ts';
import { freePort } from '#test/support/ports.ts';
import { findStripeMock } from '#test/support/stripe-mock.ts';

const program = findStripeMock(process.env);
const apiKey = 'sk_test_contract';

/** Refusals of the checker, with the call that earned them. */
const refused: string[] = [];
const called: string[] = [];
let checker: ChildProcess;
let recorder: Server;
let alpha: PspConnector;
let recorderUrl: string;

/** Passes everything on and remembers what was refused; the connector would only call it a configuration error. */
const record = (checkerPort: number): Server =>
  createServer((incoming, outgoing) => {
    const { method, url = '/', headers } = incoming;
    const passed = request({ port: checkerPort, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const body = Buffer.concat(parts);
        called.push(`${method} ${url.split('?')[0]}`);
        if ((answer.statusCode ?? 500) >= 400)
          refused.push(`${method} ${url}: ${body.toString().replaceAll(/\s+/g, ' ')}`);
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(body);
      });
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });

async function startChecker(path: string): Promise<number> {
  const port = await freePort();
  checker = spawn(path, ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' });
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const isUp = await fetch(`http://127.0.0.1:${port}/v1/charges`, {
      headers: { authorization: `Bearer ${apiKey}` },
    }).then(
      () => true,
      () => false,
    );
    if (isUp) return port;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('stripe-mock did not start');
}

const order = {
  reference: 'deposit:0198c0de-0000-4000-8000-000000000001:a1',
  playerId: '0198c0de-0000-4000-8000-000000000001',
  money: { amount: '12.34', asset: 'EUR' },
  token: 'pm_card_visa',
  returnUrl: 'https://api.example.com/return',
  stepUp: false,
  method: 'card',
  captureMode: 'automatic',
  threeDs: { want: 'no-preference', exemption: null, whenUnavailable: 'proceed' },
  portable: null,
  pspReference: null,
  sentAt: new Date('2026-11-01T00:00:00Z'),
  ageMs: 0,
  returned: null,
  evidence: [],
} satisfies PaymentOrder;
const known = { ...order, pspReference: 'pi_123' };
const refundOrder = { ...order, chargeReference: 'pi_123' };

describe.skipIf(program === null)('what is sent to Stripe', () => {
  beforeAll(async () => {
    const port = await startChecker(program ?? '');
    recorder = record(port).listen(0, '127.0.0.1');
    await once(recorder, 'listening');
    recorderUrl = `http://127.0.0.1:${(recorder.address() as AddressInfo).port}`;
    const account = { url: recorderUrl, apiKey, webhookSecret: 'whsec_contract' };
    const connector = createPspConnectors({ alpha: account }, 5_000).get('alpha');
    if (connector === undefined) throw new Error('there is no connector for Stripe');
    alpha = connector;
  }, 30_000);

  afterAll(() => {
    recorder?.close();
    recorder?.closeAllConnections();
    checker?.kill();
  });

  test('is understood: charges, their status, cancellation, refunds, payouts, disputes and reports', async () => {
    await alpha.authorise(order);
    await alpha.authorise({ ...order, stepUp: true });
    await alpha.continueAfterAction(known);
    await alpha.status(order);
    await alpha.status(known);
    await alpha.cancel(known);
    await alpha.refund?.(refundOrder);
    await alpha.refundStatus?.(refundOrder);
    await alpha.refundStatus?.({ ...refundOrder, pspReference: 're_123' });
    await alpha.payout({ ...order, token: 'card_123' });
    await alpha.payoutStatus(order);
    await alpha.payoutStatus({ ...order, pspReference: 'po_123' });
    await alpha.disputes?.dispute({ pspReference: 'dp_123' } as never);
    await alpha.disputes?.submitEvidence(
      { pspReference: 'dp_123', key: 'dispute:1:1' },
      'The player was there.',
    );
    await alpha.disputes?.acceptDispute({ pspReference: 'dp_123', key: 'dispute:1:2' });
    await alpha.settlement?.settlementFile('2026-11-01');
    expect(refused).toEqual([]);
    expect(new Set(called)).toEqual(
      new Set([
        'POST /v1/payment_intents',
        'GET /v1/payment_intents',
        'GET /v1/payment_intents/pi_123',
        'POST /v1/payment_intents/pi_123/cancel',
        'POST /v1/refunds',
        'GET /v1/refunds',
        'GET /v1/refunds/re_123',
        'POST /v1/payouts',
        'GET /v1/payouts',
        'GET /v1/payouts/po_123',
        'GET /v1/disputes/dp_123',
        'POST /v1/disputes/dp_123',
        'POST /v1/disputes/dp_123/close',
        'POST /v1/reporting/report_runs',
      ]),
    );
  });

  test('and what it does not know is refused, so that this can fail', async () => {
    const answer = await fetch(`${recorderUrl}/v1/payment_intents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}` },
      body: new URLSearchParams({ amount: '1234', currency: 'eur', not_a_field: 'x' }),
    });
    expect(answer.status).toBe(400);
    expect(refused.at(-1)).toContain('additional properties are not allowed');
  });
});
