/** Carries out one message of the odds feed: the catalogue follows it, results become versions or work for a person. */
import type { Database } from '#db/connect.ts';
import { markProcessed, markTried, readOpenWebhooks } from '#activities/compliance/commands/webhook-inbox.ts';
import type { Actor } from '#activities/compliance/append-event.ts';
import { assertNever } from '#domain/failures.ts';
import { feedMessageSchema, type FeedMessage } from '#domain/games/book/feed.schema.ts';
import {
  applyEvent,
  applyMarket,
  applyMarketState,
  applyOdds,
  type CatalogueOutcome,
} from '../book/catalogue.ts';
import { applyResult, type ResultOutcome } from '../book/results.ts';

export const oddsFeedSource = 'odds-feed';

export type FeedOutcome = CatalogueOutcome | ResultOutcome;

const feed: Actor = { kind: 'system', id: oddsFeedSource };

/** One transaction per message, whole or not at all; the message's sequence makes a repeat harmless. */
export async function takeFeedMessage(db: Database, message: FeedMessage): Promise<FeedOutcome> {
  return db.transaction().execute((trx) => {
    switch (message.type) {
      case 'event.updated':
        return applyEvent(trx, message);
      case 'market.updated':
        return applyMarket(trx, message);
      case 'odds.changed':
        return applyOdds(trx, message);
      case 'market.state-changed':
        return applyMarketState(trx, message);
      case 'market.resulted':
      case 'market.abandoned':
        return applyResult(trx, message, feed);
      default:
        return assertNever(message);
    }
  });
}

/** A message about something unknown is tried again this long: then what it waits for does not come any more. */
const waitsHours = 24;

/**
 * Carries out stored messages that are still open: the process ended in between, or they had overtaken what they are
 * about. Returns how many were closed.
 */
export async function takeOpenFeedMessages(db: Database, rowsMax = 200): Promise<number> {
  let closed = 0;
  const failures: unknown[] = [];
  for (const { externalId, body, ageHours } of await readOpenWebhooks(db, oddsFeedSource, rowsMax)) {
    const webhook = { source: oddsFeedSource, externalId };
    try {
      // Noted before: a message that ends the process does not come first again, either.
      await markTried(db, webhook);
      const outcome = await takeFeedMessage(db, feedMessageSchema.parse(JSON.parse(body)));
      if (outcome === 'waiting' && ageHours < waitsHours) continue;
      await markProcessed(db, webhook);
      closed += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  // One message that cannot be carried out holds back none behind it, and is still heard of.
  if (failures.length > 0)
    throw new AggregateError(failures, 'messages of the odds feed could not be carried out');
  return closed;
}
