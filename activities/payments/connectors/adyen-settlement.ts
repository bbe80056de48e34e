/** Adyen's settlement details report of a day, downloaded by its name with the account's key. */
import { FailureError, fail } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { SettlementKind } from '#domain/payments/settlement.ts';
import type { AdyenAccount, PspSettlement } from '../connectors.ts';
import { readCsv } from './csv.ts';
import { settledUnits } from './minor-units.ts';
import { payoutTotals } from './payout-total.ts';

const columns = [
  'Merchant Account',
  'Psp Reference',
  'Merchant Reference',
  'Type',
  'Modification Reference',
  'Gross Currency',
  'Gross Debit (GC)',
  'Gross Credit (GC)',
  'Net Currency',
  'Net Debit (NC)',
  'Net Credit (NC)',
  'Commission (NC)',
  'Batch Number',
  'Creation Date',
] as const;

const kinds: Readonly<Record<string, SettlementKind>> = {
  Settled: 'charge',
  Refunded: 'refund',
  Chargeback: 'dispute',
  SecondChargeback: 'dispute',
  ChargebackReversed: 'dispute-reversal',
  PaidOut: 'payout',
  MerchantPayout: 'bank-payout',
};

export function adyenSettlement(account: AdyenAccount, timeoutMs: number): PspSettlement {
  return {
    settlementFile: async (day) => {
      const name = `settlement_detail_report_${day}.csv`;
      const path = `/reports/download/MerchantAccount/${encodeURIComponent(account.merchantAccount)}/${name}`;
      try {
        const answer = await fetch(`${account.url.replace(/\/$/, '')}${path}`, {
          headers: { 'x-api-key': account.apiKey },
          signal: AbortSignal.timeout(timeoutMs),
          redirect: 'error',
        });
        if (!answer.ok) return { kind: 'unavailable', reason: `status ${answer.status}` };
        return { kind: 'file', name, content: await answer.text() };
      } catch (error) {
        return { kind: 'unavailable', reason: error instanceof Error ? error.name : 'no answer' };
      }
    },
    async *parseSettlement(content) {
      // A batch ends with its payout: all of its net amounts sum to zero.
      const totals = payoutTotals();
      for await (const row of readCsv(content, columns)) {
        if (row['Merchant Account'] !== account.merchantAccount)
          throw new FailureError(fail('invalid-request', 'A line is of another merchant account.').failure);
        const asset = row['Gross Currency'];
        const units = (amount: string): Units => (amount === '' ? 0n : settledUnits(amount, asset));
        const kind = kinds[row['Type']] ?? 'other';
        const netAsset = row['Net Currency'];
        const netUnits = (amount: string): Units => (amount === '' ? 0n : settledUnits(amount, netAsset));
        totals.add(
          `batch ${row['Batch Number']} in ${netAsset}`,
          netUnits(row['Net Credit (NC)']) - netUnits(row['Net Debit (NC)']),
          kind === 'bank-payout',
        );
        yield {
          // The report names no line: type, references and time together name a movement.
          naturalKey: [
            row['Type'],
            row['Psp Reference'],
            row['Modification Reference'],
            row['Creation Date'],
          ].join(':'),
          kind,
          pspReference: kind === 'charge' ? row['Psp Reference'] : row['Modification Reference'],
          captureReference: kind === 'charge' ? row['Modification Reference'] || null : null,
          reference: row['Merchant Reference'] || null,
          asset,
          gross: units(row['Gross Credit (GC)']) - units(row['Gross Debit (GC)']),
          fee: units(row['Commission (NC)']),
        };
      }
      totals.mustBeWhole();
    },
  };
}
