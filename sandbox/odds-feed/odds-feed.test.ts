/** The feed as a stranger would see it: signed messages with rising numbers, and the tricks it is ordered to play. */
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTemporaryDirectory, startParty, type PartyProcess } from '../support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const secret = 'a-secret-of-the-feed';
let folder: ReturnType<typeof createTemporaryDirectory>;
let receiver: WebhookReceiver;
let feed: PartyProcess;

beforeEach(async () => {
  folder = createTemporaryDirectory();
  receiver = await startWebhookReceiver();
  feed = await startParty('odds-feed', {
    STATE_DIR: folder.path,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: secret,
  });
});
afterEach(async () => {
  await feed.stop();
  await receiver.close();
  folder.remove();
});

type Ordered = { eventId: string; marketId: string; messageId: string };

async function order(path: string, body: object = {}): Promise<Ordered> {
  const answer = await fetch(`${feed.url}/_scenario/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Ordered;
}

const heard = (messageId: string, count = 1) =>
  receiver
    .waitFor(
      ({ headers }) =>
        headers['webhook-id'] === messageId &&
        receiver.received.filter((each) => each.headers['webhook-id'] === messageId).length >= count,
      10_000,
    )
    .then(({ body }) => JSON.parse(body) as { type: string; sequence: number });

test('signs every message over its id, the second of sending and the body', async () => {
  const { headers, body } = await receiver.waitFor(() => true, 10_000);
  const text = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const expected = createHmac('sha256', secret).update(text).digest('base64');
  expect(headers['webhook-signature']).toBe(`v1,${expected}`);
});

test('publishes, corrects, contradicts and repeats under numbers that say so', async () => {
  const { eventId, marketId } = await order('fixtures', { odds: { home: '2.00', away: '1.80' } });
  const market = `events/${eventId}/markets/${marketId}`;
  const won = { outcomes: { home: { result: 'won' }, away: { result: 'lost' } } };
  const lost = { outcomes: { home: { result: 'lost' }, away: { result: 'won' } } };

  const first = await heard((await order(`${market}/result`, won)).messageId);
  const wrong = await heard((await order(`${market}/contradict`, lost)).messageId);
  expect(wrong.sequence).toBeLessThan(first.sequence);
  const { messageId } = await order(`${market}/result`, lost);
  const correction = await heard(messageId);
  expect(correction.sequence).toBeGreaterThan(first.sequence);
  expect((await order(`${market}/duplicate`)).messageId).toBe(messageId);
  await heard(messageId, 2);
  const again = await heard((await order(`${market}/duplicate`, { newId: true })).messageId);
  expect(again).toEqual(correction);
  const unknown = await heard((await order('events/ev-nobody/markets/none/result', won)).messageId);
  expect(unknown.type).toBe('market.resulted');
});

test('sends a late result after the one that overtook it, though it is numbered before', async () => {
  const { eventId, marketId } = await order('fixtures');
  const market = `events/${eventId}/markets/${marketId}`;
  const outcomes = { home: { result: 'void' }, draw: { result: 'void' }, away: { result: 'void' } };
  const late = await order(`${market}/late`, { outcomes, delayMs: 400 });
  const abandoned = await heard((await order(`${market}/abandon`)).messageId);
  const overtaken = await heard(late.messageId);
  expect(overtaken.sequence).toBeLessThan(abandoned.sequence);
});
