/** What happened to money inside the PSP; each dialect turns a fact into its own webhooks. */
import type { DisputeRow, FraudAlertRow, PaymentRow, PayoutRow, RefundRow } from './tables.ts';

export type Fact =
  | { kind: 'challenged' | 'authorised' | 'declined'; payment: PaymentRow }
  /** `operation` is the id of the request that caused it, where a dialect gives requests ids. */
  | {
      kind: 'captured' | 'cancelled' | 'capture_failed';
      payment: PaymentRow;
      operation: string;
      reference: string | null;
      amount: number;
    }
  | { kind: 'refund_created' | 'refunded' | 'refund_failed'; payment: PaymentRow; refund: RefundRow }
  | {
      kind:
        | 'dispute_opened'
        | 'dispute_updated'
        | 'dispute_closed'
        | 'dispute_funds_withdrawn'
        | 'dispute_funds_reinstated';
      payment: PaymentRow;
      dispute: DisputeRow;
    }
  | { kind: 'fraud_alert_opened' | 'fraud_alert_updated'; payment: PaymentRow; alert: FraudAlertRow }
  | { kind: 'payout_created' | 'payout_paid' | 'payout_failed' | 'payout_cancelled'; payout: PayoutRow };

export interface Notice {
  eventId: string;
  body: string;
}
