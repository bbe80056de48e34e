/** GET /_books: the PSP's own view of all money, for reconciliation against ours. Amounts are text, in minor units. */
import type { PartyApp } from '../support/party-server.ts';
import type { StateStore } from '../support/state-store.ts';
import type { DisputeRow, MovementRow, PaymentRow, PayoutRow, RefundRow } from './tables.ts';

export function serveBooks(app: PartyApp, store: StateStore, dialect: string): void {
  app.get('/_books', (c) => {
    const sinceMs = Number(c.req.query('sinceMs') ?? 0);
    const movements = store.all<MovementRow>('select * from movement where at_ms >= ? order by id', sinceMs);
    const totals: Record<string, Record<MovementRow['kind'], bigint>> = {};
    for (const { kind, amount, currency } of movements) {
      const total = (totals[currency] ??= {
        charge: 0n,
        refund: 0n,
        payout: 0n,
        dispute: 0n,
        dispute_reversal: 0n,
      });
      total[kind] += BigInt(amount);
    }
    return c.json({
      dialect,
      totals: Object.fromEntries(
        Object.entries(totals).map(([currency, total]) => [
          currency,
          {
            charged: String(total.charge),
            refunded: String(total.refund),
            paidOut: String(total.payout),
            disputed: String(total.dispute - total.dispute_reversal),
            net: String(total.charge - total.refund - total.payout - total.dispute + total.dispute_reversal),
          },
        ]),
      ),
      movements: movements.map((row) => ({
        id: row.id,
        kind: row.kind,
        subject: row.subject,
        paymentId: row.payment_id,
        reference: row.reference,
        amount: String(row.amount),
        currency: row.currency,
        atMs: row.at_ms,
      })),
      payments: store
        .all<PaymentRow>(
          'select * from payment where created_at_ms >= ? order by created_at_ms, rowid',
          sinceMs,
        )
        .map((row) => ({
          id: row.id,
          reference: row.reference,
          status: row.status,
          amount: String(row.amount),
          currency: row.currency,
          captured: String(row.captured),
          refunded: String(row.refunded),
          decline: row.decline,
          metadata: JSON.parse(row.metadata) as unknown,
          createdAtMs: row.created_at_ms,
        })),
      refunds: store
        .all<RefundRow>(
          'select * from refund where created_at_ms >= ? order by created_at_ms, rowid',
          sinceMs,
        )
        .map((row) => ({
          id: row.id,
          paymentId: row.payment_id,
          reference: row.reference,
          amount: String(row.amount),
          currency: row.currency,
          status: row.status,
        })),
      disputes: store
        .all<DisputeRow>(
          'select * from dispute where created_at_ms >= ? order by created_at_ms, rowid',
          sinceMs,
        )
        .map((row) => ({
          id: row.id,
          paymentId: row.payment_id,
          amount: String(row.amount),
          currency: row.currency,
          stage: row.stage,
          status: row.status,
          responses: row.responses,
        })),
      payouts: store
        .all<PayoutRow>(
          'select * from payout where created_at_ms >= ? order by created_at_ms, rowid',
          sinceMs,
        )
        .map((row) => ({
          id: row.id,
          reference: row.reference,
          destination: row.destination,
          amount: String(row.amount),
          currency: row.currency,
          status: row.status,
          metadata: JSON.parse(row.metadata) as unknown,
        })),
    });
  });
}
