/** Messages of the odds feed: proven over the raw bytes, stored once, carried out at once, or by the sweep where that fails. */
import { createHash } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { markProcessed, receiveWebhook } from '#activities/compliance/commands/webhook-inbox.ts';
import { oddsFeedSource, takeFeedMessage } from '#activities/games/commands/take-feed-message.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { feedMessageSchema, type FeedMessage } from '#domain/games/book/feed.schema.ts';
import { logOf } from '../../request-start.ts';
import type { Api } from '../../app.ts';
import type { ApiDeps } from '../../context.ts';
import { problemResponses } from '../../problem.ts';
import { verifyFeedMessage } from './feed-signature.ts';

const outcomes = [
  'applied',
  'stale',
  'waiting',
  'accepted',
  'no-effect',
  'parked',
  'duplicate',
  'stored',
] as const;

const route = createRoute({
  method: 'post',
  path: '/webhooks/odds-feed',
  operationId: 'receiveFeedMessage',
  tags: ['games'],
  summary: 'Something changed at the odds feed: an event, a market, odds, a result',
  description:
    'Signed as Standard Webhooks has it: `Webhook-Signature: v1,…` over `Webhook-Id`, `Webhook-Timestamp` and the raw body.',
  responses: {
    200: {
      description:
        'Stored, and what became of it: `waiting` for what it is about, `stored` for the next sweep, `parked` for a person',
      content: {
        'application/json': {
          schema: z.strictObject({ outcome: z.enum(outcomes) }).openapi('FeedMessageOutcome'),
        },
      },
    },
    ...problemResponses(
      'malformed-json',
      'invalid-request',
      'invalid-signature',
      'stale-signature',
      'not-found',
      'body-too-large',
      'dependency-unavailable',
    ),
  },
});

export function mountFeedWebhook(api: Api, deps: ApiDeps): void {
  api.openapi(route, async (c) => {
    const feed = deps.config.oddsFeed;
    if (!feed) throw new FailureError(fail('not-found', 'There is nothing at this address.').failure);
    const raw = Buffer.from(await c.req.arrayBuffer());
    const secret = feed.webhookSecret.reveal();
    const readClockMs = () => databaseClockMs(deps.db);
    const id = orThrow(await verifyFeedMessage(raw, c.req.raw.headers, secret, readClockMs));
    return c.json({ outcome: await takeMessage(deps, id, raw, logOf(c)) }, 200);
  });
}

/** Durable first. The same id with another body is another message: whether it counts, its sequence says. */
async function takeMessage(
  deps: Pick<ApiDeps, 'db'>,
  id: string,
  raw: Buffer,
  log: ApiDeps['log'],
): Promise<(typeof outcomes)[number]> {
  const message = readMessage(raw);
  const webhook = {
    source: oddsFeedSource,
    externalId: `${id}:${createHash('sha256').update(raw).digest('hex')}`,
    body: JSON.stringify(message),
    subject: 'marketId' in message ? `market:${message.eventId}:${message.marketId}` : null,
  };
  const { fresh } = await receiveWebhook(deps.db, webhook);
  if (!fresh) return 'duplicate';
  try {
    const outcome = await takeFeedMessage(deps.db, message);
    if (outcome !== 'waiting') await markProcessed(deps.db, webhook);
    return outcome;
  } catch (error) {
    log.warn({ error, subject: webhook.subject }, 'a stored message of the feed waits for the sweep');
    return 'stored';
  }
}

function readMessage(raw: Buffer): FeedMessage {
  let value: unknown;
  try {
    value = JSON.parse(raw.toString('utf8'));
  } catch {
    throw new FailureError(fail('malformed-json', 'The body is not well-formed JSON.').failure);
  }
  const message = feedMessageSchema.safeParse(value);
  if (!message.success)
    throw new FailureError(fail('invalid-request', 'The body is no message of the feed.').failure);
  return message.data;
}

async function databaseClockMs(db: ApiDeps['db']): Promise<number> {
  const { rows } = await sql<{ nowMs: number }>`
    select extract(epoch from clock_timestamp())::float8 * 1000 as now_ms`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('Invariant broken: the clock gave no row');
  return row.nowMs;
}
