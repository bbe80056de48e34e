/** What Hub88 and Caleta calls say beside their money: free rounds, jackpots, the supplier's own ids. */
import type { z } from 'zod';
import { assets } from '#domain/assets.ts';
import { fromHub88Amount } from '#domain/games/hub88.ts';
import type { Units } from '#domain/money.ts';
import type { JackpotWin } from '#domain/wallet/jackpots.ts';
import type { JournalDetails } from '#domain/wallet/journal-details.ts';
import { detailsOf } from './call-details.ts';
import type { betCall, winCall } from './hub88-schemas.ts';

type PlayedCall = z.infer<typeof betCall>;

/**
 * The jackpot part of a win, never more than the win: what a caller says beyond that is kept with the rest of its
 * words and pays nothing. Null where the call names none.
 */
export function jackpotWinOf(
  call: z.infer<typeof winCall>,
  amount: Units,
  asset: string,
  pool: string | null,
): JackpotWin | null {
  if (call.jackpot_win === null || call.jackpot_win === undefined) return null;
  const part = fromHub88Amount(call.jackpot_win, assets.get(asset)?.ledgerScale ?? 12);
  return { pool, amount: part < amount ? part : amount };
}

/** `stake` is what a free round would have cost; null for a win and for a bet that is paid for. */
export function hub88Details(
  call: PlayedCall,
  { stake, jackpot }: { readonly stake: Units | null; readonly jackpot: JackpotWin | null },
): JournalDetails | null {
  const supplierPromo = call.is_supplier_promo === true;
  const free =
    call.is_free || supplierPromo
      ? {
          stake,
          rewardId: call.reward_uuid ?? null,
          campaignId: call.campaign_uuid ?? null,
          supplierPromo,
          promoReference: promoReferenceOf(call.meta),
        }
      : null;
  return detailsOf({
    free,
    jackpot: jackpot ? { pool: jackpot.pool, contribution: null, win: jackpot.amount } : null,
    wire: {
      supplierTransactionId: call.supplier_transaction_id,
      supplierUser: call['supplier_user'],
      bet: call['bet'],
      isAggregated: call.is_aggregated,
      meta: call.meta,
    },
  });
}

/** `meta.supplier_promo_info.promo_reference`. */
function promoReferenceOf(meta: unknown): string | null {
  const info = memberOf(meta, 'supplier_promo_info');
  const reference = memberOf(info, 'promo_reference');
  return typeof reference === 'string' && !reference.includes('\0') && reference.isWellFormed()
    ? reference.slice(0, 255)
    : null;
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
