/** What the sportsbook's routes take and answer, and rows turned into it. */
import { z } from '@hono/zod-openapi';
import { feedIdForm } from '#domain/games/book/feed.schema.ts';
import { formatOdds } from '#domain/games/book/odds.ts';
import { acceptances, legsMax } from '#domain/games/book/placement.ts';
import { plainResults } from '#domain/games/book/leg-outcome.ts';
import { toMoneyText } from '#domain/money.ts';
import { betWorkflowId } from '#workflows/bet.contract.ts';
import { moneyInput, moneyOutput, pageQuery, timestamp } from '../../schemas.ts';

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

export const body = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
});

/** Made here and not in the domain: the schemas of the API's documents know more than plain ones. */
export const feedId = z.string().regex(feedIdForm).openapi({ example: 'match-4711' });

export const idPageQuery = pageQuery.extend({ after: z.uuid().optional() });
export const eventParam = z.object({ eventId: feedId.openapi({ param: { name: 'eventId', in: 'path' } }) });
export const marketParam = eventParam.extend({
  marketId: feedId.openapi({ param: { name: 'marketId', in: 'path' } }),
});

const oddsText = z
  .string()
  .regex(/^\d{1,5}(\.\d{1,3})?$/, 'must be decimal odds such as "2.05", not a number')
  .openapi({ example: '2.05' });

export const betInput = z
  .strictObject({
    stake: moneyInput,
    legs: z
      .array(
        z
          .strictObject({
            eventId: feedId,
            marketId: feedId,
            selectionId: feedId,
            odds: oddsText.openapi({ description: 'As the player saw them.' }),
          })
          .openapi('BetLegInput'),
      )
      .min(1)
      .max(legsMax)
      .openapi({ description: 'One leg is a single bet; of more, all must win.' }),
    acceptance: z
      .enum(acceptances)
      .default('exact')
      .openapi({ description: 'What may happen to the odds between seeing and placing.' }),
    cashOut: z
      .boolean()
      .default(false)
      .openapi({ description: 'A single bet that can be bought back; multiples always can.' }),
  })
  .openapi('BetRequest');

const legResult = z.enum([...plainResults, 'dead-heat']);

export const betOutput = z
  .strictObject({
    betId: z.uuid(),
    kind: z.enum(['single', 'multiple']),
    state: z.enum(['open', 'settled', 'cashed-out']),
    outcome: z.enum(['won', 'lost', 'void', 'cashed-out']).nullable(),
    stake: moneyOutput,
    potentialPayout: moneyOutput,
    payout: moneyOutput.openapi({ description: 'What has been paid so far; a correction may change it.' }),
    cashOut: z.boolean().openapi({ description: 'An offer to buy it back can be asked for.' }),
    legs: z.array(
      z
        .strictObject({
          eventId: z.string(),
          marketId: z.string(),
          selectionId: z.string(),
          event: z.string(),
          market: z.string(),
          selection: z.string(),
          odds: z.string(),
          result: legResult.nullable(),
        })
        .openapi('BetLeg'),
    ),
    placedAt: timestamp,
    settledAt: timestamp.nullable(),
  })
  .openapi('Bet');

export const operatorBetOutput = z
  .strictObject({
    ...betOutput.shape,
    playerId: z.uuid(),
    brand: z.string(),
    settlementVersion: z.int().openapi({ description: 'How often a result was applied.' }),
    reopened: z.int(),
    workflowId: z.string().nullable(),
  })
  .openapi('OperatorBet');

export type BetRow = {
  readonly id: string;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  readonly kind: string;
  readonly followed: boolean;
  readonly stake: string;
  readonly potentialPayout: string;
  readonly payout: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly settlementVersion: number;
  readonly reopened: number;
  readonly placedAt: Date;
  readonly settledAt: Date | null;
};

export type LegRow = {
  readonly betId: string;
  readonly eventId: string;
  readonly marketId: string;
  readonly selectionId: string;
  readonly event: string;
  readonly market: string;
  readonly selection: string;
  readonly odds: bigint;
  readonly result: string | null;
};

const money = (units: string, asset: string) => toMoneyText(BigInt(units), asset);

export const toApiBet = (bet: BetRow, legs: readonly LegRow[]): z.infer<typeof betOutput> => ({
  betId: bet.id,
  kind: bet.kind as 'single' | 'multiple',
  state: bet.state as 'open' | 'settled' | 'cashed-out',
  outcome: bet.outcome as 'won' | 'lost' | 'void' | 'cashed-out' | null,
  stake: money(bet.stake, bet.asset),
  potentialPayout: money(bet.potentialPayout, bet.asset),
  payout: money(bet.payout, bet.asset),
  cashOut: bet.followed && bet.state === 'open',
  legs: legs.map(({ betId: _bet, odds, result, ...leg }) => ({
    ...leg,
    odds: formatOdds(odds),
    result: result as z.infer<typeof legResult> | null,
  })),
  placedAt: bet.placedAt.toISOString(),
  settledAt: bet.settledAt?.toISOString() ?? null,
});

export const toOperatorBet = (bet: BetRow, legs: readonly LegRow[]): z.infer<typeof operatorBetOutput> => ({
  ...toApiBet(bet, legs),
  playerId: bet.playerId,
  brand: bet.brand,
  settlementVersion: bet.settlementVersion,
  reopened: bet.reopened,
  workflowId: bet.followed ? betWorkflowId({ betId: bet.id, reopened: bet.reopened }) : null,
});
