/**
 * Checkout.com's financial actions of a day: looked up among the reports, then downloaded. An action comes as several
 * lines that follow each other, one for its amount and one per fee, all signed as the balance moves.
 */
import { z } from 'zod';
import { FailureError, fail } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { SettlementKind, SettlementLine } from '#domain/payments/settlement.ts';
import type { CheckoutAccount, PspSettlement, SettlementFile } from '../connectors.ts';
import type { CheckoutClient } from './checkout-client.ts';
import { CheckoutRefusal } from './checkout-client.ts';
import { readCsv } from './csv.ts';
import { settledUnits } from './minor-units.ts';
import { payoutTotals } from './payout-total.ts';
import { TransportFailure } from './transport.ts';

const columns = [
  'Action Type',
  'Action ID',
  'Payment ID',
  'Payout ID',
  'Breakdown Type',
  'Holding Currency',
  'Holding Currency Amount',
] as const;
type Row = Readonly<Record<(typeof columns)[number], string>>;

const reports = z.object({
  data: z
    .array(
      z.object({
        id: z.string().max(100),
        created_on: z.string().max(40),
        from: z.string().max(40).optional(),
        files: z.array(z.object({ id: z.string().max(100), filename: z.string().max(200) })).max(100),
      }),
    )
    .max(1_000),
});

/** A report of a day is made on the next one; one that was made anew later is looked for as long. */
const madeWithinMs = 8 * 86_400_000;

export function checkoutSettlement(
  client: CheckoutClient,
  account: CheckoutAccount,
  timeoutMs: number,
): PspSettlement {
  const find = async (day: string) => {
    const from = `${day}T00:00:00Z`;
    const to = new Date(Date.parse(from) + madeWithinMs).toISOString();
    const found = reports.safeParse(await client.reports(from, to));
    if (!found.success) return null;
    const made = found.data.data
      .filter((report) => report.from?.startsWith(day))
      .toSorted((a, b) => Date.parse(b.created_on) - Date.parse(a.created_on))
      .flatMap(({ id, files }) => files.map((file) => ({ ...file, reportId: id })));
    return made.find(({ filename }) => filename.startsWith('financial-actions')) ?? null;
  };

  return {
    ...(account.payoutSchedule && { payoutSchedule: account.payoutSchedule }),
    settlementFile: async (day): Promise<SettlementFile> => {
      try {
        const file = await find(day);
        if (file === null) return { kind: 'unavailable', reason: 'no such report' };
        const path = `/reports/${encodeURIComponent(file.reportId)}/files/${encodeURIComponent(file.id)}`;
        const answer = await download(`${account.url.replace(/\/$/, '')}${path}`, account.apiKey, timeoutMs);
        if (!answer.ok) return { kind: 'unavailable', reason: `status ${answer.status}` };
        return { kind: 'file', name: file.filename, content: await answer.text() };
      } catch (error) {
        if (error instanceof CheckoutRefusal || error instanceof TransportFailure)
          return { kind: 'unavailable', reason: error.message };
        return { kind: 'unavailable', reason: error instanceof Error ? error.name : 'no answer' };
      }
    },
    async *parseSettlement(content) {
      let action: Row[] = [];
      const totals = payoutTotals();
      for await (const row of readCsv(content, columns)) {
        if (row['Action ID'] === '')
          throw new FailureError(fail('invalid-request', 'A line names no action.').failure);
        totals.add(
          row['Holding Currency'],
          unitsOf(row),
          row['Action Type'] === 'Payout' && row['Payment ID'] === '',
        );
        // A second amount under one name is the action told once more.
        const isToldAgain = !isFee(row) && action.some((known) => !isFee(known));
        if (action.length > 0 && (isToldAgain || !isSameAction(action[0], row))) {
          yield* linesOf(action);
          action = [];
        }
        action.push(row);
      }
      if (action.length > 0) yield* linesOf(action);
      // Of another schedule of payouts a day's file pays out what other days have told: they are proven together.
      if (account.paysDaily !== false && account.payoutSchedule === undefined) totals.mustBeWhole();
    },
  };
}

/** The file may lie elsewhere: that address is followed once, and the key stays at home. */
async function download(address: string, apiKey: string, timeoutMs: number): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMs);
  const answer = await fetch(address, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal,
    redirect: 'manual',
  });
  const elsewhere = answer.headers.get('location');
  if (answer.status < 300 || answer.status > 399 || elsewhere === null) return answer;
  return fetch(new URL(elsewhere, address), { signal, redirect: 'error' });
}

const isSameAction = (first: Row | undefined, row: Row): boolean =>
  first?.['Action ID'] === row['Action ID'] && first['Holding Currency'] === row['Holding Currency'];

/** "Scheme Fixed Fee", "Gateway Fee Tax" and the like: what the PSP keeps of an action. */
const isFee = (row: Row): boolean => /\b(?:fee|fee tax)$/i.test(row['Breakdown Type'].trim());

function* linesOf(action: readonly Row[]): Generator<SettlementLine> {
  const amount = action.find((row) => !isFee(row));
  const fees = action.filter(isFee).reduce((sum, row) => sum - unitsOf(row), 0n);
  if (amount !== undefined) {
    const gross = unitsOf(amount);
    const kind = kindOf(amount, gross);
    yield {
      naturalKey: `${amount['Action ID']}:${kind}`,
      kind,
      pspReference: referenceOf(amount, kind),
      captureReference: kind === 'charge' ? amount['Action ID'] : null,
      reference: null,
      asset: amount['Holding Currency'],
      gross,
      fee: fees < 0n ? 0n : fees,
    };
  }
  const [first] = action;
  // Fees without an amount, or more of them given back than taken: a movement of its own, which nobody expects.
  if (first !== undefined && (amount === undefined || fees < 0n))
    yield {
      naturalKey: `${first['Action ID']}:${action.map((row) => row['Breakdown Type']).join('+')}`.slice(
        0,
        200,
      ),
      kind: 'other',
      pspReference: first['Payment ID'] || first['Action ID'],
      reference: null,
      asset: first['Holding Currency'],
      gross: -fees,
      fee: 0n,
    };
}

const unitsOf = (row: Row): Units => settledUnits(row['Holding Currency Amount'], row['Holding Currency']);

function kindOf(row: Row, gross: Units): SettlementKind {
  switch (row['Action Type']) {
    case 'Capture':
      return 'charge';
    case 'Refund':
      return 'refund';
    case 'Chargeback':
      return gross < 0n ? 'dispute' : 'dispute-reversal';
    case 'Payout':
      // What is paid to a card is a payment of its own; what is paid to our bank is not.
      return row['Payment ID'] === '' ? 'bank-payout' : 'payout';
    default:
      return 'other';
  }
}

/** Charges, payouts and chargebacks go by their payment, refunds by their action, our own payouts by their payout. */
function referenceOf(row: Row, kind: SettlementKind): string {
  if (kind === 'refund') return row['Action ID'];
  return (kind === 'bank-payout' ? row['Payout ID'] : row['Payment ID']) || row['Action ID'];
}
