/** /v1/reporting/report_runs and the file behind it: Stripe's itemised balance change, one file per interval. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import {
  dayOf,
  decimalOf,
  settlementBytes,
  settlementCsv,
  settlementOf,
  type SettlementEntry,
} from '../settlement.ts';
import { nested, text } from './form-encoding.ts';
import { answerRead, answerWrite } from './stripe-requests.ts';

const reportType = 'balance_change_from_activity.itemized.6';

const categories: Record<SettlementEntry['kind'], string> = {
  charge: 'charge',
  refund: 'refund',
  payout: 'payout',
  dispute: 'dispute',
  second_dispute: 'dispute',
  dispute_reversal: 'dispute_reversal',
  bank_payout: 'payout',
};

const columns = [
  'balance_transaction_id',
  'created_utc',
  'currency',
  'gross',
  'fee',
  'net',
  'reporting_category',
  'source_id',
  'payment_intent_id',
  'payment_metadata[reference]',
  'description',
] as const;

const rowOf = (entry: SettlementEntry): string[] => [
  `txn_${entry.id}`,
  new Date(entry.atMs).toISOString().slice(0, 19).replace('T', ' '),
  entry.currency.toLowerCase(),
  decimalOf(entry.gross),
  decimalOf(entry.fee),
  decimalOf(entry.gross - entry.fee),
  categories[entry.kind],
  entry.subject,
  entry.paymentId ?? '',
  entry.reference ?? '',
  entry.kind === 'bank_payout' ? 'STRIPE PAYOUT' : '',
];

export function serveStripeReports(app: PartyApp, psp: Psp): void {
  const runObject = (day: string) => ({
    id: `frr_${day.replaceAll('-', '')}`,
    object: 'reporting.report_run',
    created: Math.floor(Date.now() / 1_000),
    error: null,
    livemode: false,
    parameters: {},
    report_type: reportType,
    result: {
      id: `file_${day.replaceAll('-', '')}`,
      object: 'file',
      filename: `balance_change_${day}.csv`,
      type: 'csv',
      size: settlementBytes([columns, ...settlementOf(psp.store, day).map(rowOf)]),
      url: `${psp.publicUrl()}/v1/files/file_${day.replaceAll('-', '')}/contents`,
    },
    status: 'succeeded',
    succeeded_at: Math.floor(Date.now() / 1_000),
  });
  const dayIn = (id: string): string => {
    const match = /^(?:frr|file)_(\d{4})(\d{2})(\d{2})$/.exec(id);
    if (match === null) throw new Refusal('not_found', `No such report: '${id}'`, 'id');
    return `${match[1]}-${match[2]}-${match[3]}`;
  };

  app.post('/v1/reporting/report_runs', (c) =>
    answerWrite(c, psp, (form) => {
      if (text(form, 'report_type') !== reportType)
        throw new Refusal('missing_parameter', 'Unknown report_type.', 'report_type');
      const startS = Number(text(nested(form, 'parameters'), 'interval_start'));
      if (!Number.isSafeInteger(startS))
        throw new Refusal('missing_parameter', 'Missing interval_start.', 'parameters');
      return { answer: { status: 200, body: runObject(dayOf(startS * 1_000)) } };
    }),
  );
  app.get('/v1/reporting/report_runs/:id', (c) => answerRead(c, () => runObject(dayIn(c.req.param('id')))));
  app.get('/v1/files/:id/contents', (c) => {
    const day = dayIn(c.req.param('id'));
    const rows = settlementOf(psp.store, day).map(rowOf);
    return c.text(settlementCsv(psp.store, day, [columns, ...rows]), 200, { 'content-type': 'text/csv' });
  });
}
