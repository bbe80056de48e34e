/** The part of the steering wheel that plays an issuer who reports fraud: /_scenario/fraud-alerts. */
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import type { Psp } from './psp.ts';
import { Refusal } from './refusal.ts';
import type { PaymentRow } from './tables.ts';

const openOrder = z.strictObject({
  /** The merchant's own reference of the payment, or the PSP's id of it. */
  payment: z.string().min(1),
  /** In Stripe's words; Adyen passes a code of the scheme on instead. */
  fraudType: z.string().max(60).default('unauthorized_use_of_card'),
});

export function serveFraudAlertScenario(app: PartyApp, psp: Psp, tellsOfFraud: boolean): void {
  app.get('/_scenario/fraud-alerts', (c) => c.json({ fraudAlerts: psp.fraudAlerts.list() }));

  app.post('/_scenario/fraud-alerts', async (c) => {
    const order = openOrder.safeParse(await c.req.json());
    if (!order.success) return c.json({ error: z.prettifyError(order.error) }, 400);
    if (!tellsOfFraud) return c.json({ error: 'this PSP passes no reports of fraud on' }, 409);
    const payment = psp.store.one<PaymentRow>(
      'select * from payment where id = ? or reference = ? order by created_at_ms desc limit 1',
      order.data.payment,
      order.data.payment,
    );
    if (payment === undefined) return c.json({ error: 'no such payment' }, 404);
    try {
      return c.json(psp.store.transaction(() => psp.fraudAlerts.open(payment, order.data.fraudType)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return c.json({ error: error.message }, 409);
    }
  });
}
