/** What a test or a demo may order the studio to do. Stakes are in the wire's unit: currency units times 100 000. */
import { z } from 'zod';

const wireAmount = z
  .union([z.int().nonnegative(), z.string().regex(/^\d{1,19}$/)])
  .transform((value) => BigInt(value));

const player = {
  token: z.string().min(1),
  user: z.string().min(4),
  currency: z.string().min(3),
  gameCode: z.string().default('pbs_dragonvault'),
};

export const playOrder = z.strictObject({
  ...player,
  rounds: z.int().min(1).max(5000).default(100),
  seed: z.union([z.string(), z.int()]).default('pitboss').transform(String),
  stake: wireAmount.default(100_000n),
  /** Every tenth round's calls are sent twice. */
  duplicate: z.boolean().default(false),
  /** One accepted bet is rolled back. */
  rollback: z.boolean().default(false),
  /** One rollback comes before its bet. */
  rollbackBeforeBet: z.boolean().default(false),
  /** This many last rounds: bet accepted, result known here, win not sent. */
  leaveOpen: z.int().min(0).max(100).default(0),
});
export type PlayOrder = z.infer<typeof playOrder>;

export const tricks = [
  'burst',
  'race',
  'reorder',
  'dropped_replies',
  'conflict',
  'bad_signature',
  'odd_amounts',
] as const;
export type Trick = (typeof tricks)[number];

export const hostileOrder = z.strictObject({
  ...player,
  trick: z.enum(tricks),
  stake: wireAmount.default(100_000n),
  /** How many bets at once, or how often the trick is repeated. */
  count: z.int().min(1).max(500).default(20),
});
export type HostileOrder = z.infer<typeof hostileOrder>;

export const callerHabits = z.strictObject({
  timeoutMs: z.int().min(1).default(1000),
  retries: z.int().min(0).max(20).default(3),
  retryPauseMs: z.int().min(0).default(100),
});
