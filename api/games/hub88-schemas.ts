/** Bodies of Hub88 wallet calls. Unknown fields pass: suppliers add metadata, and refusing it would cost bets. */
import { z } from 'zod';
import type { Hub88Status } from '#domain/games/hub88.ts';

/** Any UUID, whichever version: the caller chooses it. */
const requestUuid = z.guid();
/** Int64, as the dialect says. */
const amount = z
  .bigint()
  .min(0n)
  .max(2n ** 63n - 1n);
const currency = z.string().min(3).max(10);
/** What the ledger can keep: no NUL and no half characters. */
const reference = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !text.includes('\0') && text.isWellFormed());

const call = z.looseObject({ request_uuid: requestUuid });

export const infoCall = call.extend({ user: z.string().min(4) });

export const balanceCall = call.extend({
  token: reference,
  game_code: reference,
  user: z.string().min(4).nullish(),
});
export const balanceCallWithUser = balanceCall.extend({ user: z.string().min(4) });

/** Caleta asks for a fresh token with nothing but the old one. */
export const checkCall = z.looseObject({ token: reference });

const transaction = call.extend({
  token: reference,
  transaction_uuid: reference,
  game_code: reference,
  round: reference,
  round_closed: z.boolean(),
  user: z.string().min(4),
});

const played = transaction.extend({
  amount,
  currency,
  is_free: z.boolean(),
  is_supplier_promo: z.boolean().nullish(),
  reward_uuid: reference.nullish(),
  campaign_uuid: reference.nullish(),
  is_aggregated: z.boolean().nullish(),
  supplier_transaction_id: reference.nullish(),
  /** Opaque, and kept. */
  meta: z.unknown().optional(),
});
export const betCall = played;
/** `jackpot_win` says which part of the amount is jackpot; it moves nothing of its own. */
export const winCall = played
  .extend({ reference_transaction_uuid: reference.nullish(), jackpot_win: amount.nullish() })
  .refine((call) => typeof call.reference_transaction_uuid === 'string' || call.is_supplier_promo === true, {
    path: ['reference_transaction_uuid'],
    params: { missing: true },
  });
export const rollbackCall = transaction.extend({
  reference_transaction_uuid: reference,
  user: z.string().min(4).nullish(),
});

/** A field that is missing is wrong syntax; one that is there with another type is wrong types. */
export function statusOfSchemaError(error: z.ZodError): Hub88Status {
  const missing = error.issues.some(
    (issue) =>
      (issue.code === 'invalid_type' && issue.input === undefined) ||
      (issue.code === 'custom' && issue.params?.['missing'] === true),
  );
  return missing ? 'RS_ERROR_WRONG_SYNTAX' : 'RS_ERROR_WRONG_TYPES';
}
