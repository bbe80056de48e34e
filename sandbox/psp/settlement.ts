/**
 * What this PSP tells of a day's movements in its settlement file, fees and the payout to the merchant's bank included,
 * with the mistakes that a scenario has ordered: a real file is wrong now and then.
 */
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import type { StateStore } from '../support/state-store.ts';
import type { Psp } from './psp.ts';
import type { MovementRow } from './tables.ts';

export interface SettlementEntry {
  id: string;
  kind: MovementRow['kind'] | 'second_dispute' | 'bank_payout';
  /** The PSP's name of the charge, refund, dispute or payout. */
  subject: string;
  paymentId: string | null;
  /** The PSP's name of the capture, where one was asked for. */
  operation: string | null;
  reference: string | null;
  /** Minor units, signed as the merchant's balance moves. */
  gross: number;
  fee: number;
  currency: string;
  atMs: number;
}

export const breakOrder = z.strictObject({
  day: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  /**
   * `truncated` cuts the file in the middle of its last record, as a download that broke off, `cut` between its last two.
   * Of all others the payout is of what the file tells, as a PSP that is wrong pays what it believes.
   */
  kind: z.enum(['missing', 'extra', 'amount', 'fee', 'currency', 'duplicate', 'truncated', 'cut']),
  /** The merchant's reference or the PSP's id of the line or its capture; the first charge without it. */
  line: z.string().optional(),
});
type BreakOrder = z.infer<typeof breakOrder>;

const breakTable = `create table if not exists settlement_break (id integer primary key, body text not null)`;

/** As in the merchant's contract: 1.40 % and 25 of a charge, 25 of a payout, 1,500 of a dispute. */
function feeOf(kind: MovementRow['kind'], amount: number): number {
  switch (kind) {
    case 'charge':
      return Math.floor((amount * 140) / 10_000) + 25;
    case 'payout':
      return 25;
    case 'dispute':
      return 1_500;
    case 'refund':
    case 'dispute_reversal':
      return 0;
  }
}

export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export function settlementOf(store: StateStore, day: string): SettlementEntry[] {
  store.run(breakTable);
  const fromMs = Date.parse(`${day}T00:00:00.000Z`);
  const entries = store
    .all<MovementRow & { operation: string | null; is_second: 0 | 1 }>(
      `select m.*, o.operation, m.kind = 'dispute' and exists (select 1 from movement e
         where e.kind = 'dispute' and e.subject = m.subject and e.id < m.id) as is_second
       from movement m left join movement_operation o on o.movement_id = m.id
       where m.at_ms >= ? and m.at_ms < ? order by m.id`,
      fromMs,
      fromMs + 86_400_000,
    )
    .map((row): SettlementEntry => ({
      id: `mv${row.id}`,
      kind: row.is_second === 1 ? 'second_dispute' : row.kind,
      subject: row.subject,
      paymentId: row.payment_id,
      operation: row.operation,
      reference: row.reference,
      gross: row.kind === 'charge' || row.kind === 'dispute_reversal' ? row.amount : -row.amount,
      fee: feeOf(row.kind, row.amount),
      currency: row.currency,
      atMs: row.at_ms,
    }));
  for (const order of ordersOf(store, day)) spoil(entries, order);
  return [...entries, ...bankPayouts(day, entries)];
}

const ordersOf = (store: StateStore, day: string): readonly BreakOrder[] =>
  store
    .all<{ body: string }>('select body from settlement_break order by id')
    .map(({ body }) => breakOrder.parse(JSON.parse(body)))
    .filter((order) => order.day === day);

/** The day's file as it is downloaded. */
export function settlementCsv(store: StateStore, day: string, rows: readonly (readonly string[])[]): string {
  const text = csvOf(rows);
  const orders = new Set(ordersOf(store, day).map(({ kind }) => kind));
  const last = text.lastIndexOf('\r\n', text.length - 3) + 2;
  if (orders.has('cut')) return text.slice(0, last);
  return orders.has('truncated') ? text.slice(0, Math.floor((last + text.length) / 2)) : text;
}

/** Of the file as it was made, whatever of it is downloaded. */
export const settlementBytes = (rows: readonly (readonly string[])[]): number =>
  Buffer.byteLength(csvOf(rows));

/** What is left of a day in each currency goes to the merchant's bank. */
function bankPayouts(day: string, entries: readonly SettlementEntry[]): SettlementEntry[] {
  const nets = new Map<string, number>();
  for (const { currency, gross, fee } of entries) nets.set(currency, (nets.get(currency) ?? 0) + gross - fee);
  return [...nets].flatMap(([currency, net]): SettlementEntry[] =>
    net <= 0
      ? []
      : [
          {
            id: `bp${day}${currency}`,
            kind: 'bank_payout',
            subject: `SETTLE-${day}-${currency}`,
            paymentId: null,
            operation: null,
            reference: null,
            gross: -net,
            fee: 0,
            currency,
            atMs: Date.parse(`${day}T23:59:59.000Z`),
          },
        ],
  );
}

function spoil(entries: SettlementEntry[], order: BreakOrder): void {
  if (order.kind === 'truncated' || order.kind === 'cut') return;
  if (order.kind === 'extra') {
    entries.push({
      id: `mv-extra-${entries.length}`,
      kind: 'charge',
      subject: `stray-${entries.length}`,
      paymentId: `stray-${entries.length}`,
      operation: null,
      reference: 'somebody-else',
      gross: 1_234,
      fee: feeOf('charge', 1_234),
      currency: 'EUR',
      atMs: Date.parse(`${order.day}T12:00:00.000Z`),
    });
    return;
  }
  const index = entries.findIndex(({ kind, ...one }) =>
    order.line === undefined
      ? kind === 'charge'
      : [one.id, one.subject, one.paymentId, one.operation, one.reference].includes(order.line),
  );
  const entry = entries[index];
  if (entry === undefined) return;
  switch (order.kind) {
    case 'missing':
      entries.splice(index, 1);
      return;
    case 'duplicate':
      entries.splice(index, 0, { ...entry });
      return;
    case 'amount':
      entries[index] = { ...entry, gross: entry.gross + 100 };
      return;
    case 'fee':
      entries[index] = { ...entry, fee: entry.fee + 7 };
      return;
    case 'currency':
      entries[index] = { ...entry, currency: entry.currency === 'EUR' ? 'USD' : 'EUR' };
      return;
  }
}

export function serveSettlementScenario(app: PartyApp, psp: Psp): void {
  psp.store.run(breakTable);
  app.get('/_scenario/settlement-breaks', (c) =>
    c.json({
      breaks: psp.store
        .all<{ body: string }>('select body from settlement_break order by id')
        .map(({ body }) => JSON.parse(body) as unknown),
    }),
  );
  app.post('/_scenario/settlement-breaks', async (c) => {
    const order = breakOrder.safeParse(await c.req.json());
    if (!order.success) return c.json({ error: z.prettifyError(order.error) }, 400);
    psp.store.run('insert into settlement_break (body) values (?)', JSON.stringify(order.data));
    return c.json(order.data);
  });
  app.delete('/_scenario/settlement-breaks', (c) => {
    psp.store.run('delete from settlement_break');
    return c.json({ breaks: [] });
  });
}

/** A field as RFC 4180 wants it. */
const csvField = (value: string): string =>
  /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;

const csvOf = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');

/** Minor units as a decimal of two places, as files carry amounts; currencies without minor units are not settled here. */
export const decimalOf = (minor: number): string => {
  const text = String(Math.abs(minor)).padStart(3, '0');
  return `${minor < 0 ? '-' : ''}${text.slice(0, -2)}.${text.slice(-2)}`;
};
