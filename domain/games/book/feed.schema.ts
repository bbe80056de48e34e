/** The words of the odds feed: each message is a fact of one event or market with the feed's own sequence number. */
import { z } from 'zod';
import { plainResults, type LegOutcome } from './leg-outcome.ts';
import { parseOdds } from './odds.ts';

/** The feed's ids become part of workflow ids and addresses. */
export const feedIdForm = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const feedId = z.string().regex(feedIdForm);
/** In any script; what the database cannot keep would be tried again for ever. */
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u)
  .refine((text) => text.isWellFormed());
const oddsText = z.string().refine((text) => parseOdds(text).ok, 'must be odds such as "2.05"');

const legOutcome: z.ZodType<LegOutcome> = z.discriminatedUnion('result', [
  z.strictObject({ result: z.enum(plainResults) }),
  z
    .strictObject({
      result: z.literal('dead-heat'),
      sharedBy: z.int().min(2).max(100),
      places: z.int().min(1).max(99),
    })
    .refine(
      ({ sharedBy, places }) => places < sharedBy,
      'a dead heat has fewer places than those who share them',
    ),
]);

const about = { sequence: z.int().min(1) };
const ofMarket = { ...about, eventId: feedId, marketId: feedId };

export const feedMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('event.updated'),
    ...about,
    eventId: feedId,
    sport: z.string().regex(/^[a-z][a-z-]{0,39}$/),
    name,
    startsAt: z.iso.datetime({ offset: true }),
    state: z.enum(['scheduled', 'live', 'ended', 'cancelled']),
  }),
  z.strictObject({
    type: z.literal('market.updated'),
    ...ofMarket,
    kind: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
    name,
    state: z.enum(['open', 'suspended', 'closed']),
    selections: z
      .array(z.strictObject({ id: feedId, name, odds: oddsText, active: z.boolean() }))
      .min(1)
      .max(200),
  }),
  z.strictObject({
    type: z.literal('odds.changed'),
    ...ofMarket,
    odds: z
      .array(z.strictObject({ selectionId: feedId, odds: oddsText, active: z.boolean() }))
      .min(1)
      .max(200),
  }),
  z.strictObject({
    type: z.literal('market.state-changed'),
    ...ofMarket,
    state: z.enum(['open', 'suspended', 'closed']),
  }),
  z.strictObject({
    type: z.literal('market.resulted'),
    ...ofMarket,
    outcomes: z.record(feedId, legOutcome).refine((all) => Object.keys(all).length <= 200),
  }),
  z.strictObject({ type: z.literal('market.abandoned'), ...ofMarket }),
]);

export type FeedMessage = z.infer<typeof feedMessageSchema>;

/** A stored result, read back. */
export const outcomesSchema = z.record(feedId, legOutcome);
