/** What Checkout.com's words mean: every status of a dispute, forged and foreign events, and files that are wrong. */
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPspConnectors, type PspConnector } from '../connectors.ts';

const secret = 'gamma-words';
/** What the PSP answers next, whatever it is asked. */
let answer: { status: number; body: string } = { status: 200, body: '' };
const asked: string[] = [];
let server: Server;
let gamma: PspConnector;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connector = createPspConnectors(
    {
      gamma: {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        apiKey: 'sk',
        webhookSecret: secret,
        processingChannelId: 'pc',
        currencyAccountId: 'ca',
        // The files here are a few lines of a day, which no payout evens out.
        paysDaily: false,
      },
    },
    1_000,
  ).get('gamma');
  if (connector === undefined) throw new Error('gamma is configured');
  gamma = connector;
});
afterAll(() => server.close());

const disputes = () => gamma.disputes ?? never();
const settlement = () => gamma.settlement ?? never();
const never = (): never => {
  throw new Error('gamma speaks of both');
};

const standing = async (status: string, more: object = {}) => {
  answer = {
    status: 200,
    body: JSON.stringify({
      id: 'dsp_1',
      status,
      amount: 1_234,
      currency: 'EUR',
      category: 'fraudulent',
      ...more,
    }),
  };
  return disputes().dispute({ pspReference: 'dsp_1', evidence: [] });
};

describe('a dispute', () => {
  test.each([
    ['evidence_required', 'chargeback needs-response', ['withdrawn chargeback']],
    ['evidence_under_review', 'chargeback under-review', ['withdrawn chargeback']],
    ['won', 'chargeback won', ['withdrawn chargeback', 'reinstated reversal']],
    ['canceled', 'chargeback won', ['withdrawn chargeback', 'reinstated reversal']],
    ['lost', 'chargeback lost', ['withdrawn chargeback']],
    ['expired', 'chargeback lost', ['withdrawn chargeback']],
    ['accepted', 'chargeback lost', ['withdrawn chargeback']],
    ['resolved', 'chargeback closed', []],
    [
      'arbitration_under_review',
      'second-chargeback needs-response',
      ['withdrawn chargeback', 'withdrawn arbitration'],
    ],
    [
      'arb_evidence_submitted',
      'second-chargeback under-review',
      ['withdrawn chargeback', 'withdrawn arbitration'],
    ],
    ['arbitration_won', 'second-chargeback won', ['withdrawn chargeback', 'reinstated arbitration-reversal']],
    ['arbitration_lost', 'second-chargeback lost', ['withdrawn chargeback', 'withdrawn arbitration']],
  ])('that is %s stands at %s', async (status, place, moves) => {
    const told = await standing(status, { evidence_required_by: '2026-12-31T18:00:00+00:00' });
    if (told.kind !== 'told') throw new Error(told.reason);
    expect(`${told.stage} ${told.status}`).toBe(place);
    expect(told.evidenceDueAt).toBe('2026-12-31T18:00:00.000Z');
    expect(told.movements.map(({ kind, reference }) => `${kind} ${reference.split(':')[1]}`)).toEqual(moves);
  });

  test.each([['constructor'], ['a_status_of_next_year'], ['']])(
    'whose status is "%s" proves nothing',
    async (status) => {
      expect(await standing(status)).toEqual({ kind: 'unknown', reason: 'unknown status' });
    },
  );

  test('that cannot be read or is not found proves nothing', async () => {
    answer = { status: 200, body: '<html>' };
    expect(await disputes().dispute({ pspReference: 'dsp_1', evidence: [] })).toMatchObject({
      kind: 'unknown',
    });
    answer = { status: 404, body: '' };
    expect(await disputes().dispute({ pspReference: 'dsp_1', evidence: [] })).toMatchObject({
      kind: 'unknown',
    });
  });

  test('is not answered with a text that is too long for a field: it is refused before anything is sent', async () => {
    asked.length = 0;
    expect(await disputes().submitEvidence({ pspReference: 'dsp_1', key: 'k' }, 'x'.repeat(501))).toEqual({
      kind: 'refused',
      rawCode: 'evidence_text_too_long',
    });
    expect(asked).toEqual([]);
  });
});

describe('an event about a dispute', () => {
  const body = JSON.stringify({
    id: 'evt_1',
    type: 'dispute_evidence_required',
    timestamp: new Date().toISOString(),
    data: {
      id: 'dsp_1',
      payment_id: 'pay_1',
      payment_reference: 'Ann Player',
      amount: 1_234,
      currency: 'EUR',
    },
  });
  const told = (text: string, key = secret) =>
    gamma.verifyWebhook(
      Buffer.from(text),
      new Headers({ 'cko-signature': createHmac('sha256', key).update(body).digest('hex') }),
    );

  test('is taken with both names and nothing that a stranger wrote', () => {
    const result = told(body);
    expect(result).toMatchObject({
      ok: true,
      value: [
        {
          externalId: 'evt_1',
          reference: null,
          saysApproved: false,
          dispute: { pspReference: 'dsp_1', chargeReference: 'pay_1' },
        },
      ],
    });
    expect(JSON.stringify(result)).not.toContain('Ann');
  });

  test('is refused when it was forged, or changed after it was signed', () => {
    expect(told(body, 'another')).toMatchObject({ failure: { code: 'invalid-signature' } });
    expect(told(body.replace('pay_1', 'pay_2'))).toMatchObject({ failure: { code: 'invalid-signature' } });
  });
});

describe('a file', () => {
  const header =
    'Action Type,Action ID,Payment ID,Payout ID,Breakdown Type,Holding Currency,Holding Currency Amount\r\n';
  const read = (...lines: string[]) =>
    Array.fromAsync(settlement().parseSettlement(header + lines.join('\r\n')));
  const units = (cents: bigint) => cents * 10n ** 10n;

  test('has one line for an action and its fees, whichever comes first', async () => {
    expect(
      await read(
        'Capture,act_1,pay_1,,Scheme Variable Fee,EUR,-0.01234567',
        'Capture,act_1,pay_1,,Capture,EUR,10.00',
        'Capture,act_1,pay_1,,Gateway Fixed Fee Tax,EUR,-0.02',
      ),
    ).toEqual([
      expect.objectContaining({
        kind: 'charge',
        pspReference: 'pay_1',
        gross: units(1_000n),
        fee: 32_345_670_000n,
      }),
    ]);
  });

  test('tells refunds by their action, chargebacks by their payment and sign, payouts to cards and to the bank apart', async () => {
    const lines = await read(
      'Refund,act_2,pay_1,,Refund,EUR,-5.00',
      'Chargeback,act_3,pay_1,,Chargeback (ADJM),EUR,-10.00',
      'Chargeback,act_4,pay_1,,Chargeback (ADJR),EUR,10.00',
      'Payout,act_5,pay_9,,Payout,EUR,-7.00',
      'Payout,act_6,,00000000CFJU,Payout,EUR,-90.00',
      'Adjustment,adj_7,pay_1,,Cover Negative Position,EUR,3.00',
    );
    expect(lines.map(({ kind, pspReference }) => `${kind} ${pspReference}`)).toEqual([
      'refund act_2',
      'dispute pay_1',
      'dispute-reversal pay_1',
      'payout pay_9',
      'bank-payout 00000000CFJU',
      'other pay_1',
    ]);
  });

  test('that tells an action twice has two lines of one name; fees alone are a movement of their own', async () => {
    const twice = await read(
      'Capture,act_1,pay_1,,Capture,EUR,10.00',
      'Capture,act_1,pay_1,,Capture,EUR,10.00',
      'Authorization,act_8,pay_1,,Authorization Fixed Fee,EUR,-0.10',
    );
    expect(twice.map(({ naturalKey, kind, gross }) => [naturalKey, kind, gross])).toEqual([
      ['act_1:charge', 'charge', units(1_000n)],
      ['act_1:charge', 'charge', units(1_000n)],
      ['act_8:Authorization Fixed Fee', 'other', units(-10n)],
    ]);
  });

  test.each([
    ['is empty', '', /no column/],
    ['lacks a column', 'Action Type,Action ID\r\nCapture,act_1\r\n', /no column/],
    ['ends inside a line', `${header}Capture,act_1,pay_1,,Capt`, /wider or narrower/],
    ['has an amount that is none', `${header}Capture,act_1,pay_1,,Capture,EUR,ten\r\n`, /cannot be read/],
    ['names no action', `${header}Capture,,pay_1,,Capture,EUR,1.00\r\n`, /names no action/],
    [
      'has an asset that nobody knows',
      `${header}Capture,act_1,pay_1,,Capture,XXX,1.00\r\n`,
      /cannot be read/,
    ],
  ])('that %s is refused with a clear word', async (_name, content, words) => {
    await expect(Array.fromAsync(settlement().parseSettlement(content))).rejects.toThrow(words);
  });

  test('that the PSP does not have yet, or cannot be asked for, is unavailable', async () => {
    answer = { status: 200, body: JSON.stringify({ data: [] }) };
    expect(await settlement().settlementFile('2026-11-24')).toEqual({
      kind: 'unavailable',
      reason: 'no such report',
    });
    answer = { status: 503, body: '' };
    expect(await settlement().settlementFile('2026-11-24')).toMatchObject({ kind: 'unavailable' });
  });
});
