/** Takes a result of the feed as a version of the market's results, or puts it before a person. */
import { randomUUID } from 'node:crypto';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import { outcomesSchema, type FeedMessage } from '#domain/games/book/feed.schema.ts';
import { abandoned, type MarketOutcomes } from '#domain/games/book/leg-outcome.ts';
import { judgeResult, type KnownResult, type ParkReason } from '#domain/games/book/market-result.ts';
import { closeMissingResult } from './missing-results.ts';
import { cancelOffers, lockMarket, readSelectionIds } from './catalogue.ts';

export type ResultMessage = Extract<FeedMessage, { type: 'market.resulted' | 'market.abandoned' }>;

export type ResultOutcome = 'accepted' | 'no-effect' | 'parked';

/** Everything about a market without one brand: the book is the same for all of them. */
const everyBrand = '*';

/**
 * `inspected`: a person has looked at the message, whose word stands in for a sequence that is not later, and for the
 * results of selections that the feed has withdrawn and says nothing about: they are void.
 */
export async function applyResult(
  trx: Trx,
  message: ResultMessage,
  actor: Actor,
  { inspected = false }: { readonly inspected?: boolean } = {},
): Promise<ResultOutcome> {
  const { eventId, marketId } = message;
  const market = await lockMarket(trx, eventId, marketId);
  const selectionIds = market ? await readSelectionIds(trx, eventId, marketId) : [];
  const withdrawn = market && inspected ? await readSelectionIds(trx, eventId, marketId, 'withdrawn') : [];
  const outcomes =
    message.type === 'market.abandoned'
      ? abandoned(selectionIds)
      : { ...abandoned(withdrawn), ...message.outcomes };
  const known = market ? await readKnown(trx, market) : null;
  const said = BigInt(message.sequence);
  const sequence = inspected && known && said <= known.sequence ? known.sequence + 1n : said;
  const judgement = judgeResult(market ? { selectionIds, known } : null, { sequence, outcomes });
  switch (judgement.kind) {
    case 'park':
      await park(trx, message, judgement.reason, actor);
      return 'parked';
    case 'no-effect':
      if (judgement.confirms) await setResult(trx, message, { resultSequence: sequence });
      return 'no-effect';
    case 'accept': {
      const { version } = judgement;
      await accept(trx, message, { outcomes, version, sequence }, actor);
      return 'accepted';
    }
  }
}

async function accept(
  trx: Trx,
  message: ResultMessage,
  { outcomes, version, sequence }: { outcomes: MarketOutcomes; version: number; sequence: bigint },
  actor: Actor,
): Promise<void> {
  const { eventId, marketId } = message;
  const kind = message.type === 'market.abandoned' ? 'abandoned' : 'result';
  await trx
    .insertInto('games.marketResult')
    .values({ eventId, marketId, version, kind, sequence, outcomes: JSON.stringify(outcomes) })
    .execute();
  await setResult(trx, message, { state: 'resulted', resultVersion: version, resultSequence: sequence });
  await cancelOffers(trx, eventId, marketId);
  await closeMissingResult(trx, { eventId, marketId });
  await appendEvent(
    trx,
    {
      type: 'games.market.resulted',
      version: 1,
      brand: everyBrand,
      playerId: null,
      payload: { eventId, marketId, version, kind },
    },
    { actor, subject: `market:${eventId}:${marketId}` },
  );
}

async function setResult(
  trx: Trx,
  { eventId, marketId }: ResultMessage,
  change: { state?: 'resulted'; resultVersion?: number; resultSequence: bigint },
): Promise<void> {
  await trx
    .updateTable('games.market')
    .set(change)
    .where('eventId', '=', eventId)
    .where('id', '=', marketId)
    .execute();
}

/** The same message parked twice is one item for a person. */
async function park(trx: Trx, message: ResultMessage, reason: ParkReason, actor: Actor): Promise<void> {
  const { eventId, marketId } = message;
  const parkedId = randomUUID();
  const parked = await trx
    .insertInto('games.parkedResult')
    .values({
      id: parkedId,
      eventId,
      marketId,
      sequence: BigInt(message.sequence),
      reason,
      message: JSON.stringify(message),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!parked) return;
  await appendEvent(
    trx,
    {
      type: 'games.result.parked',
      version: 1,
      brand: everyBrand,
      playerId: null,
      payload: { parkedId, eventId, marketId, reason },
    },
    { actor, subject: `market:${eventId}:${marketId}` },
  );
}

async function readKnown(
  trx: Trx,
  market: { eventId: string; id: string; resultVersion: number; resultSequence: bigint | null },
): Promise<KnownResult | null> {
  if (market.resultSequence === null) return null;
  const outcomes = await readOutcomes(trx, market.eventId, market.id, market.resultVersion);
  return { version: market.resultVersion, sequence: market.resultSequence, outcomes };
}

/** The outcomes of one version of a market's result. */
export async function readOutcomes(
  db: Database | Trx,
  eventId: string,
  marketId: string,
  version: number,
): Promise<MarketOutcomes> {
  const row = await db
    .selectFrom('games.marketResult')
    .select('outcomes')
    .where('eventId', '=', eventId)
    .where('marketId', '=', marketId)
    .where('version', '=', version)
    .executeTakeFirstOrThrow();
  return outcomesSchema.parse(row.outcomes);
}
