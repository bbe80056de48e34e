/** Issuers' reports of fraud on charges: told to the merchant, moving nothing, of no use once refunded or disputed. */
import type { StateStore } from '../support/state-store.ts';
import type { Fact } from './facts.ts';
import type { PaymentsEngine } from './payments-engine.ts';
import { Refusal } from './refusal.ts';
import type { FraudAlertRow, PaymentRow } from './tables.ts';

interface FraudAlertParts {
  store: StateStore;
  payments: PaymentsEngine;
  publish: (fact: Fact) => void;
  newId: () => string;
}

export type FraudAlertsEngine = ReturnType<typeof createFraudAlertsEngine>;

export function createFraudAlertsEngine({ store, payments, publish, newId }: FraudAlertParts) {
  const must = (id: string): FraudAlertRow => {
    const alert = store.one<FraudAlertRow>('select * from fraud_alert where id = ?', id);
    if (alert === undefined)
      throw new Refusal('not_found', `No such early fraud warning: '${id}'`, 'early_fraud_warning');
    return alert;
  };

  const isActionable = (payment: PaymentRow): boolean =>
    payment.refunded < payment.captured &&
    store.one<{ id: string }>('select id from dispute where payment_id = ?', payment.id) === undefined;

  return {
    must,
    list: () =>
      store.all<FraudAlertRow>(
        'select * from fraud_alert order by created_at_ms desc, rowid desc limit 1000',
      ),

    open(payment: PaymentRow, fraudType: string): FraudAlertRow {
      if (payment.status !== 'captured')
        throw new Refusal('invalid_state', `The payment is ${payment.status}.`, 'payment');
      const id = newId();
      store.run(
        'insert into fraud_alert (id, payment_id, fraud_type, actionable, created_at_ms) values (?, ?, ?, ?, ?)',
        id,
        payment.id,
        fraudType,
        isActionable(payment) ? 1 : 0,
        Date.now(),
      );
      const alert = must(id);
      publish({ kind: 'fraud_alert_opened', payment, alert });
      return alert;
    },

    /** Told again once a refund or a dispute has made it useless. */
    chargeChanged(paymentId: string): void {
      const payment = payments.must(paymentId);
      if (isActionable(payment)) return;
      const open = store.all<FraudAlertRow>(
        'select * from fraud_alert where payment_id = ? and actionable = 1',
        paymentId,
      );
      for (const { id } of open) {
        store.run('update fraud_alert set actionable = 0 where id = ?', id);
        publish({ kind: 'fraud_alert_updated', payment, alert: must(id) });
      }
    },
  };
}
