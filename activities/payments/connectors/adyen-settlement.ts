/** Adyen's settlement details report of a day, downloaded by its name with the account's key. */
import { FailureError, fail, orThrow, succeed } from '#domain/failures.ts';
import { toUnits, type Units } from '#domain/money.ts';
import type { SettlementKind, SettlementLine } from '#domain/payments/settlement.ts';
import type { AdyenAccount, PspSettlement } from '../connectors.ts';
import { readCsv } from './csv.ts';

const columns = [
  'Merchant Account',
  'Psp Reference',
  'Merchant Reference',
  'Type',
  'Modification Reference',
  'Gross Currency',
  'Gross Debit (GC)',
  'Gross Credit (GC)',
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
    parseSettlement: (content) => {
      const rows = readCsv(content, columns);
      if (!rows.ok) return rows;
      if (rows.value.some((row) => row['Merchant Account'] !== account.merchantAccount))
        return fail('invalid-request', 'A line is of another merchant account.');
      try {
        return succeed(
          rows.value.map((row): SettlementLine => {
            const asset = row['Gross Currency'];
            const units = (amount: string): Units =>
              amount === '' ? 0n : orThrow(toUnits({ amount, asset }));
            const kind = kinds[row['Type']] ?? 'other';
            const isCharge = kind === 'charge';
            return {
              // The report names no line: type, references and time together name a movement.
              naturalKey: [
                row['Type'],
                row['Psp Reference'],
                row['Modification Reference'],
                row['Creation Date'],
              ].join(':'),
              kind,
              pspReference: isCharge ? row['Psp Reference'] : row['Modification Reference'],
              reference: row['Merchant Reference'] || null,
              asset,
              gross: units(row['Gross Credit (GC)']) - units(row['Gross Debit (GC)']),
              fee: units(row['Commission (NC)']),
            };
          }),
        );
      } catch (error) {
        if (!(error instanceof FailureError)) throw error;
        return fail('invalid-request', `A line cannot be read: ${error.failure.detail}`);
      }
    },
  };
}
