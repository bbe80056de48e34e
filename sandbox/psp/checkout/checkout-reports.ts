/** /reports: the financial actions of a day, found by when they were made, downloaded over an address of its own. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { decimalOf, settlementCsv, settlementOf, type SettlementEntry } from '../settlement.ts';
import { notFound } from './checkout-errors.ts';
import { answerRead, send } from './checkout-requests.ts';

const columns = [
  'Client Entity ID',
  'Processing Channel ID',
  'Action Type',
  'Action ID',
  'Payment ID',
  'Requested On',
  'Processed On',
  'Processing Currency',
  'Holding Currency',
  'Payout ID',
  'Breakdown Type',
  'Processing Currency Amount',
  'Holding Currency Amount',
  'FX Rate Applied',
  'Reference',
] as const;

const actionTypes: Record<SettlementEntry['kind'], string> = {
  charge: 'Capture',
  refund: 'Refund',
  payout: 'Payout',
  dispute: 'Chargeback',
  second_dispute: 'Chargeback',
  dispute_reversal: 'Chargeback',
  bank_payout: 'Payout',
};

const breakdowns: Record<SettlementEntry['kind'], string> = {
  charge: 'Capture',
  refund: 'Refund',
  payout: 'Payout',
  dispute: 'Chargeback (ADJM)',
  second_dispute: 'Chargeback (ADJM)',
  dispute_reversal: 'Chargeback (ADJR)',
  bank_payout: 'Payout',
};

const dayMs = 86_400_000;
const reportId = (day: string) => `rpt_${day.replaceAll('-', '')}`;
const fileId = (day: string) => `file_${day.replaceAll('-', '')}`;

function dayIn(id: string): string | undefined {
  const match = /^(?:rpt|file)_(\d{4})(\d{2})(\d{2})$/.exec(id);
  return match === null ? undefined : `${match[1]}-${match[2]}-${match[3]}`;
}

/** Addresses of files need no key, so they are not to be guessed. */
export const createReportAddresses = () => {
  const days = new Map<string, string>();
  return {
    make(day: string): string {
      const token = crypto.randomUUID();
      days.set(token, day);
      return `/report-files/${token}`;
    },
    dayOf: (token: string) => days.get(token),
  };
};
export type ReportAddresses = ReturnType<typeof createReportAddresses>;

const time = (atMs: number): string => new Date(atMs).toISOString().slice(0, 23);

/** An action is a line for its amount and one for its fee, each signed as the balance moves. */
function rowsOf(entry: SettlementEntry, channel: string): string[][] {
  const action = entry.kind === 'refund' ? entry.subject : (entry.operation ?? `act_${entry.id}`);
  const row = (breakdown: string, minor: number): string[] => [
    'ent_pitboss_sandbox',
    channel,
    actionTypes[entry.kind],
    action,
    entry.kind === 'bank_payout' ? '' : (entry.paymentId ?? entry.subject),
    time(entry.atMs),
    time(entry.atMs),
    entry.currency,
    entry.currency,
    entry.kind === 'bank_payout' ? entry.subject : '',
    breakdown,
    decimalOf(minor),
    decimalOf(minor),
    '1',
    entry.reference ?? '',
  ];
  const amount = row(breakdowns[entry.kind], entry.gross);
  return entry.fee === 0 ? [amount] : [amount, row('Gateway Fixed Fee', -entry.fee)];
}

export function serveCheckoutReports(app: PartyApp, addresses: ReportAddresses): void {
  app.get('/reports', (c) =>
    answerRead(() => {
      const after = Date.parse(c.req.query('created_after') ?? '');
      const before = Date.parse(c.req.query('created_before') ?? '');
      // A report of each day that has begun; today's is the day so far.
      const first = Number.isNaN(after) ? Date.now() - 7 * dayMs : after;
      const last = Math.min(Number.isNaN(before) ? Date.now() : before, Date.now());
      const days: string[] = [];
      for (let at = first; at <= last && days.length < 100; at += dayMs)
        days.push(new Date(at).toISOString().slice(0, 10));
      return {
        count: days.length,
        limit: 100,
        data: days.map((day) => ({
          id: reportId(day),
          created_on: new Date(Math.min(Date.parse(day) + dayMs, Date.now())).toISOString(),
          type: 'Scheduled',
          description: `Financial actions of ${day}`,
          from: `${day}T00:00:00Z`,
          to: `${day}T23:59:59Z`,
          files: [
            {
              id: fileId(day),
              filename: `financial-actions_ent_pitboss_sandbox_${day.replaceAll('-', '')}_1.csv`,
              format: 'CSV',
            },
          ],
        })),
      };
    }),
  );

  app.get('/reports/:id/files/:file', (c) => {
    const day = dayIn(c.req.param('file'));
    return day === undefined || reportId(day) !== c.req.param('id')
      ? send(notFound)
      : c.redirect(addresses.make(day), 302);
  });
}

/** Where a download is sent on to; no key is taken here, and one that is shown is refused, so that a leak is seen. */
export function serveReportFiles(app: PartyApp, psp: Psp, channel: string, addresses: ReportAddresses): void {
  app.get('/report-files/:token', (c) => {
    const day = addresses.dayOf(c.req.param('token'));
    if (day === undefined || c.req.header('authorization') !== undefined) return c.text('', 400);
    const rows = settlementOf(psp.store, day).flatMap((entry) => rowsOf(entry, channel));
    return c.text(settlementCsv(psp.store, day, [columns, ...rows]), 200, { 'content-type': 'text/csv' });
  });
}
