import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { FailureError } from '#domain/failures.ts';
import { refuseCardNumbers } from './card-number-guard.ts';
import type { ApiEnv } from './context.ts';

const app = new Hono<ApiEnv>();
app.use(refuseCardNumbers);
app.post('/', async (c) => c.json(await c.req.json()));
app.get('/', (c) => c.text('seen'));
app.onError((error, c) => c.text(error instanceof FailureError ? error.failure.code : 'bug', 400));

const post = (body: unknown, headers: Record<string, string> = {}) =>
  app.request('/', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

describe('a request with a card number', () => {
  test.each([
    [{ reason: 'card 4242 4242 4242 4242' }],
    [{ list: [{ deep: { deeper: '5555555555554444' } }] }],
    [{ '4242424242424242': 1 }],
    [{ number: 4242424242424242 }],
    ['4242424242424242'],
  ])('is refused wherever the number stands: %j', async (body) => {
    const answer = await post(body);
    expect([answer.status, await answer.text()]).toEqual([400, 'invalid-request']);
  });

  test('is refused for its address and its key as well', async () => {
    expect((await app.request('/?after=4242424242424242')).status).toBe(400);
    expect((await post({}, { 'idempotency-key': '4242-4242-4242-4242' })).status).toBe(400);
  });

  test('is no request without one: it goes on with its body as it was', async () => {
    const body = {
      amount: '200.00',
      iban: 'DE89 3704 0044 0532 0130 00',
      id: '0198c0de-4242-4242-4242-424242424242',
    };
    expect(await (await post(body)).json()).toEqual(body);
    expect((await app.request('/?after=0198c0de-4242-4242-4242-424242424242')).status).toBe(200);
  });
});
