/** /v1/radar/early_fraud_warnings: the merchant reads what an issuer reported; it takes no answer. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import type { FraudAlertRow, PaymentRow } from '../tables.ts';
import { listObject } from './stripe-objects.ts';
import { answerRead } from './stripe-requests.ts';

export const earlyFraudWarningObject = (alert: FraudAlertRow, payment: PaymentRow) => ({
  id: alert.id,
  object: 'radar.early_fraud_warning',
  actionable: alert.actionable === 1,
  charge: payment.charge_id,
  created: Math.floor(alert.created_at_ms / 1000),
  fraud_type: alert.fraud_type,
  livemode: false,
  payment_intent: payment.id,
});

export function serveStripeFraudAlerts(app: PartyApp, psp: Psp): void {
  const shown = (alert: FraudAlertRow) => earlyFraudWarningObject(alert, psp.payments.must(alert.payment_id));
  const path = '/v1/radar/early_fraud_warnings';

  app.get(path, (c) =>
    answerRead(c, () =>
      listObject(
        path,
        psp.fraudAlerts
          .list()
          .filter(({ payment_id }) => (c.req.query('payment_intent') ?? payment_id) === payment_id)
          .map(shown),
        false,
      ),
    ),
  );
  app.get(`${path}/:id`, (c) => answerRead(c, () => shown(psp.fraudAlerts.must(c.req.param('id')))));
}
