/** What a test or a demo may order the studio to do. Stakes are in the smallest unit of the dialect's wire. */
import { z } from 'zod';
import { codeIn, games } from './catalogue.ts';
import { dialectNames, type DialectName } from './wallet-wire.ts';

const wireAmount = z
  .union([z.int().nonnegative(), z.string().regex(/^\d{1,30}$/)])
  .transform((value) => BigInt(value));

const player = {
  dialect: z.enum(dialectNames).default('hub88'),
  /** No token travels in a8r. */
  token: z.string().default(''),
  user: z.string().min(4),
  currency: z.string().min(3),
  gameCode: z.string().optional(),
};

type Named = { dialect: DialectName; token: string; gameCode?: string | undefined };

const tokenWhereOneTravels = ({ dialect, token }: Named) => dialect.startsWith('a8r') || token !== '';
const withGame = <Order extends Named>(order: Order) => ({
  ...order,
  gameCode: order.gameCode ?? codeIn(order.dialect, games[0]),
});

const playTerms = z.strictObject({
  ...player,
  rounds: z.int().min(1).max(5000).default(100),
  seed: z.union([z.string(), z.int()]).default('pitboss').transform(String),
  /** One unit of the currency, unless told otherwise. */
  stake: wireAmount.optional(),
  /** Every tenth round's calls are sent twice. */
  duplicate: z.boolean().default(false),
  /** One accepted bet is rolled back. */
  rollback: z.boolean().default(false),
  /** One rollback comes before its bet. */
  rollbackBeforeBet: z.boolean().default(false),
  /** This many last rounds: bet accepted, result known here, win not sent. */
  leaveOpen: z.int().min(0).max(100).default(0),
  /** One more round, whose bet gives to a pool and whose win comes from it, where the dialect has words for that. */
  jackpot: z.boolean().default(false),
  /** One more win that no bet has earned: a promotion of the studio itself (Hub88, Caleta). */
  promo: z.boolean().default(false),
});
export const playOrder = playTerms.refine(tokenWhereOneTravels, 'token is required').transform(withGame);
export type PlayOrder = z.infer<typeof playOrder>;

/** What every dialect's caller can do wrong. */
export const tricks = [
  'burst',
  'race',
  'reorder',
  'duplicates',
  'dropped_replies',
  'conflict',
  'rollback_of_rollback',
  'late_rollback',
  'overdraw',
  'bad_signature',
  'odd_amounts',
  'malformed',
  'slow_bodies',
] as const;
/** What only the callers of some dialects can. */
export const batchTricks = ['opposing_batches', 'broken_batches'] as const;
export const tokenTricks = ['old_token'] as const;
export type Trick = (typeof tricks)[number] | (typeof batchTricks)[number] | (typeof tokenTricks)[number];

export function tricksOf(dialect: DialectName): readonly Trick[] {
  if (dialect === 'caleta') return [...tricks, ...tokenTricks];
  return dialect === 'hub88' ? tricks : [...tricks, ...batchTricks];
}

const hostileTerms = z.strictObject({
  ...player,
  trick: z.enum([...tricks, ...batchTricks, ...tokenTricks]),
  stake: wireAmount.optional(),
  /** How many bets at once, or how often the trick is repeated. */
  count: z.int().min(1).max(500).default(20),
});
export const hostileOrder = hostileTerms
  .refine(tokenWhereOneTravels, 'token is required')
  .transform(withGame);
export type HostileOrder = z.infer<typeof hostileOrder>;

/** Plays what was issued before, under the player's latest session or the one that is named. */
export const freeRoundsOrder = z.strictObject({
  dialect: z.enum(dialectNames),
  /** The reward's or the id. */
  id: z.string().min(1),
  session: z.string().optional(),
  token: z.string().optional(),
  seed: z.union([z.string(), z.int()]).default('pitboss').transform(String),
  /** The result is told twice. */
  duplicate: z.boolean().default(false),
});
export type FreeRoundsOrder = z.infer<typeof freeRoundsOrder>;

export const callerHabits = z.strictObject({
  timeoutMs: z.int().min(1).default(1000),
  retries: z.int().min(0).max(20).default(3),
  retryPauseMs: z.int().min(0).default(100),
  rollbackLostBets: z.boolean().default(true),
});
