/** The settlement details report, downloaded by name with the account's key: a row per payment, refund and chargeback. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import type { AdyenSettings } from '../settings.ts';
import { decimalOf, settlementCsv, settlementOf, type SettlementEntry } from '../settlement.ts';
import { adyenError } from './adyen-errors.ts';
import { send } from './adyen-requests.ts';

const types: Record<SettlementEntry['kind'], string> = {
  charge: 'Settled',
  refund: 'Refunded',
  payout: 'PaidOut',
  dispute: 'Chargeback',
  second_dispute: 'SecondChargeback',
  dispute_reversal: 'ChargebackReversed',
  bank_payout: 'MerchantPayout',
};

const columns = [
  'Company Account',
  'Merchant Account',
  'Psp Reference',
  'Merchant Reference',
  'Payment Method',
  'Creation Date',
  'TimeZone',
  'Type',
  'Modification Reference',
  'Gross Currency',
  'Gross Debit (GC)',
  'Gross Credit (GC)',
  'Exchange Rate',
  'Net Currency',
  'Net Debit (NC)',
  'Net Credit (NC)',
  'Commission (NC)',
  'Batch Number',
] as const;

const sides = (minor: number): [debit: string, credit: string] =>
  minor < 0 ? [decimalOf(-minor), ''] : ['', decimalOf(minor)];

export function serveAdyenReports(app: PartyApp, psp: Psp, { merchantAccount }: AdyenSettings): void {
  const rowOf = (entry: SettlementEntry, batch: string): string[] => [
    'PitbossSandboxCompany',
    merchantAccount,
    entry.paymentId ?? entry.subject,
    entry.reference ?? '',
    entry.kind === 'bank_payout' ? 'bankTransfer' : 'visa',
    new Date(entry.atMs).toISOString().slice(0, 19).replace('T', ' '),
    'UTC',
    types[entry.kind],
    entry.kind === 'charge' ? (entry.operation ?? entry.id) : entry.subject,
    entry.currency,
    ...sides(entry.gross),
    '1',
    entry.currency,
    ...sides(entry.gross - entry.fee),
    decimalOf(entry.fee),
    batch,
  ];

  app.get('/reports/download/MerchantAccount/:account/:name', (c) => {
    const day = /^settlement_detail_report_(\d{4}-\d{2}-\d{2})\.csv$/.exec(c.req.param('name'))?.[1];
    if (c.req.param('account') !== merchantAccount || day === undefined)
      return send(c, adyenError(404, '000', 'Report not found', 'validation'));
    const rows = settlementOf(psp.store, day).map((entry) => rowOf(entry, day.replaceAll('-', '')));
    return c.text(settlementCsv(psp.store, day, [columns, ...rows]), 200, { 'content-type': 'text/csv' });
  });
}
