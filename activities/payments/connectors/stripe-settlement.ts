/** Stripe's itemised balance change of a day: asked for as a report run, then downloaded with the account's key. */
import type Stripe from 'stripe';
import type { SettlementKind } from '#domain/payments/settlement.ts';
import type { PspSettlement, StripeAccount } from '../connectors.ts';
import { readCsv } from './csv.ts';
import { settledUnits } from './minor-units.ts';

const columns = [
  'balance_transaction_id',
  'currency',
  'gross',
  'fee',
  'reporting_category',
  'source_id',
  'payment_intent_id',
  'payment_metadata[reference]',
] as const;

const kinds: Readonly<Record<string, SettlementKind>> = {
  charge: 'charge',
  refund: 'refund',
  dispute: 'dispute',
  dispute_reversal: 'dispute-reversal',
  payout: 'payout',
};

export function stripeSettlement(stripe: Stripe, account: StripeAccount, timeoutMs: number): PspSettlement {
  return {
    settlementFile: async (day) => {
      const startS = Date.parse(`${day}T00:00:00Z`) / 1_000;
      try {
        const run = await stripe.reporting.reportRuns.create({
          report_type: 'balance_change_from_activity.itemized.6',
          parameters: { interval_start: startS, interval_end: startS + 86_400, columns: [...columns] },
        });
        const url = run.result?.url;
        if (run.status !== 'succeeded' || !url)
          return { kind: 'unavailable', reason: `the report is ${run.status}` };
        // The key goes to the account's own host alone, whatever address the answer names.
        const address = new URL(new URL(url).pathname, account.url);
        const answer = await fetch(address, {
          headers: { authorization: `Bearer ${account.apiKey}` },
          signal: AbortSignal.timeout(timeoutMs),
          redirect: 'error',
        });
        if (!answer.ok) return { kind: 'unavailable', reason: `status ${answer.status}` };
        const bytes = await answer.arrayBuffer();
        return {
          kind: 'file',
          name: run.result?.filename ?? `${day}.csv`,
          content: new TextDecoder().decode(bytes),
          ...cutOf(run.result?.size, bytes.byteLength),
        };
      } catch (error) {
        return { kind: 'unavailable', reason: error instanceof Error ? error.name : 'no answer' };
      }
    },
    async *parseSettlement(content) {
      for await (const row of readCsv(content, columns)) {
        const asset = row.currency.toUpperCase();
        const kind = kinds[row.reporting_category] ?? 'other';
        // A payout to the merchant's own bank names no player's card.
        const isBank = kind === 'payout' && !row.source_id.startsWith('po_');
        yield {
          naturalKey: row.balance_transaction_id,
          kind: isBank ? 'bank-payout' : kind,
          pspReference: kind === 'charge' ? row.payment_intent_id : row.source_id,
          reference: row['payment_metadata[reference]'] || null,
          asset,
          gross: settledUnits(row.gross, asset),
          fee: settledUnits(row.fee, asset),
        };
      }
    },
  };
}

/** Payouts follow a schedule of their own, so the file cannot be proven by its sums; the file object tells its bytes. */
const cutOf = (told: number | undefined, got: number): { readonly truncation?: string } =>
  told === undefined || told === got
    ? {}
    : { truncation: `The file is truncated: ${got} bytes came of ${told}.` };
