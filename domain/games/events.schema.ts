/** Facts about game sessions and rounds, and about the sportsbook. */
import { z } from 'zod';
import { moneySchema } from '../money.schema.ts';
import { parkReasons } from './book/market-result.ts';
import { roundVoidOutcomes } from './round-voids.ts';

const roundVoid = {
  proposalId: z.uuid(),
  integration: z.string(),
  round: z.string(),
  playerId: z.uuid(),
  /** What the standing stakes come to, and how many there are. */
  money: moneySchema,
  stakes: z.int(),
};

export const gamesEvents = {
  'games.session.opened': z.strictObject({
    gameSessionId: z.uuid(),
    integration: z.string(),
    game: z.string(),
  }),
  'games.round.guarded': z.strictObject({ integration: z.string(), round: z.string(), playerId: z.uuid() }),
  'games.round.resolved': z.strictObject({
    integration: z.string(),
    round: z.string(),
    playerId: z.uuid(),
    outcome: z.enum(['settled', 'void', 'manual']),
    /** Where two people voided it: their proposal. */
    proposalId: z.uuid().optional(),
  }),
  /** A person had the provider asked once more. */
  'games.round.asked-again': z.strictObject({
    integration: z.string(),
    round: z.string(),
    playerId: z.uuid(),
  }),
  'games.round-void.proposed': z.strictObject(roundVoid),
  /** `stale`: nobody's word, the round had moved before it was carried out. */
  'games.round-void.decided': z.strictObject({ ...roundVoid, outcome: z.enum(roundVoidOutcomes) }),
  'games.play-rules.set': z.strictObject({
    integration: z.string(),
    game: z.string(),
    stakeCaps: z.array(z.strictObject({ money: moneySchema, jurisdiction: z.string().nullable() })),
    jackpot: z.strictObject({ pool: z.string(), contributionBps: z.int() }).nullable(),
  }),
  'games.stake-cap.set': z.strictObject({ asset: z.string(), money: moneySchema.nullable() }),
  'games.bet.placed': z.strictObject({
    betId: z.uuid(),
    money: moneySchema,
    potentialPayout: moneySchema,
    legs: z.int(),
    followed: z.boolean(),
  }),
  /** A settlement or a correction: `payout` is the sum of all, `delta` what this one paid or took back. */
  'games.bet.settled': z.strictObject({
    betId: z.uuid(),
    version: z.int(),
    outcome: z.enum(['won', 'lost', 'void']),
    payout: moneySchema,
    delta: moneySchema,
    followed: z.boolean(),
    /** With the id, the bet's workflow at the time. */
    reopened: z.int(),
  }),
  'games.bet.reopened': z.strictObject({ betId: z.uuid(), reopened: z.int(), asset: z.string() }),
  'games.bet.cashed-out': z.strictObject({ betId: z.uuid(), offerId: z.uuid(), money: moneySchema }),
  'games.market.resulted': z.strictObject({
    eventId: z.string(),
    marketId: z.string(),
    version: z.int(),
    kind: z.enum(['result', 'abandoned']),
  }),
  'games.result.parked': z.strictObject({
    parkedId: z.uuid(),
    eventId: z.string(),
    marketId: z.string(),
    reason: z.enum(parkReasons),
  }),
  'games.result.released': z.strictObject({
    parkedId: z.uuid(),
    resolution: z.enum(['applied', 'dismissed']),
  }),
  'games.stake-limit.set': z.strictObject({
    playerId: z.uuid(),
    asset: z.string(),
    stakeMax: moneySchema.nullable(),
  }),
} as const;
