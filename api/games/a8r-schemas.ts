/** Bodies of a8r wallet calls, v2 and v1. Unknown fields pass: aggregators add metadata, and refusing it would cost bets. */
import { z } from 'zod';
import { a8rAmountForm } from '#domain/games/a8r.ts';
import { InexactNumber } from './exact-json.ts';

/** What the ledger can keep: no NUL and no half characters. */
const id = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !text.includes('\0') && text.isWellFormed());
const game = id.refine((text) => text.includes(':'));

const isUnique = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

const amount = z.string().regex(a8rAmountForm);

export const v2Balance = z.looseObject({ player_id: id, currency: id });

const v2Round = z.looseObject({
  player_id: id,
  round_id: id,
  game_id: game,
  currency: id,
  provider: id,
  finished: z.boolean().nullish(),
});

export const v2BetWin = v2Round.extend({
  transactions: z
    .array(z.looseObject({ id, type: z.enum(['bet', 'win']), amount, bet_id: id.nullish() }))
    .min(1)
    .refine((all) => isUnique(all.map((one) => one.id))),
});

export const v2Rollback = v2Round.extend({
  transactions: z
    .array(z.looseObject({ id, original_id: id }))
    .min(1)
    .refine((all) => isUnique(all.map((one) => one.id)) && isUnique(all.map((one) => one.original_id))),
});

export const v2Finish = z.looseObject({ player_id: id, round_id: id, currency: id });
/** Issue ids are ours, and shorter than what we write them into. */
const issueId = id.max(200);
export const v2Freespins = z.looseObject({ issue_id: issueId, amount });

/** Int64 is more than any wallet holds in its smallest unit. */
const subunits = z
  .bigint()
  .min(0n)
  .max(2n ** 63n - 1n);

const v1Envelope = z.looseObject({
  user_id: id,
  currency: id,
  game,
  game_id: id.nullish(),
  finished: z.boolean().nullish(),
});

/** Shares of a jackpot are finer than a subunit, so that providers write them as fractions or as text. */
const share = z.unknown().optional().transform(shareTextOf);

const v1Action = z.looseObject({
  action: z.enum(['bet', 'win']),
  amount: subunits,
  action_id: id,
  jackpot_contribution: share,
  jackpot_win: subunits.nullish(),
});
export const v1Play = v1Envelope
  .extend({
    actions: z
      .array(v1Action)
      .refine((all) => isUnique(all.map((one) => one.action_id)))
      .nullish(),
  })
  .refine((call) => typeof call.game_id === 'string' || (call.actions ?? []).length === 0);

export const v1Rollback = v1Envelope.extend({
  game_id: id,
  actions: z
    .array(z.looseObject({ action: z.literal('rollback'), action_id: id, original_action_id: id }))
    .min(1)
    .refine(
      (all) =>
        isUnique(all.map((one) => one.action_id)) && isUnique(all.map((one) => one.original_action_id)),
    ),
});

export const v1Freespins = z.looseObject({ issue_id: issueId, status: id, total_amount: subunits });

/** A decimal text of subunits, or null: what the provider reports of its own jackpot is no reason to refuse a bet. */
function shareTextOf(value: unknown): string | null {
  const text =
    value instanceof InexactNumber ? value.text : typeof value === 'bigint' ? String(value) : value;
  return typeof text === 'string' && /^\d{1,18}(\.\d{1,20})?$/.test(text) ? text : null;
}
