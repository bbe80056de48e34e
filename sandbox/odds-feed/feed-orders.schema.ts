/** What a test or a demo may order this feed to publish. */
import { z } from 'zod';
import { webhookFaults } from '../support/webhook-queue.ts';

const odds = z.string().regex(/^\d{1,5}(\.\d{1,3})?$/);

const outcome = z.union([
  z.strictObject({ result: z.enum(['won', 'lost', 'void', 'half-won', 'half-lost']) }),
  z.strictObject({ result: z.literal('dead-heat'), sharedBy: z.int(), places: z.int() }),
]);

export const outcomesOrder = z.strictObject({ outcomes: z.record(z.string(), outcome) });
export type Outcomes = z.infer<typeof outcomesOrder>['outcomes'];

export const feedScenario = z.strictObject({ webhook: webhookFaults.prefault({}) });
export type FeedScenario = z.infer<typeof feedScenario>;

export const fixtureOrder = z.strictObject({
  sport: z.string().default('football'),
  name: z.string().default('Harbour – Orchard'),
  startsInMs: z.int().default(24 * 3_600_000),
  market: z.string().default('match-winner'),
  /** Odds by selection, in the order in which they are shown. */
  odds: z.record(z.string(), odds).default({ home: '2.10', draw: '3.40', away: '3.60' }),
});
export type FixtureOrder = z.infer<typeof fixtureOrder>;

export const oddsOrder = z.strictObject({
  odds: z.record(z.string(), odds),
  active: z.boolean().default(true),
});
export const stateOrder = z.strictObject({ state: z.enum(['open', 'suspended', 'closed']) });
export const eventStateOrder = z.strictObject({ state: z.enum(['scheduled', 'live', 'ended', 'cancelled']) });
export const lateOrder = outcomesOrder.extend({ delayMs: z.int().min(0).max(3_600_000) });
/** `newId`: the same content as another delivery; otherwise the very same message again. */
export const duplicateOrder = z.strictObject({ newId: z.boolean().default(false) });
