/** The part of the steering wheel that plays cardholder, bank and card network: /_scenario/disputes. */
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import { disputeSteps } from './disputes-engine.ts';
import type { Psp } from './psp.ts';
import { Refusal } from './refusal.ts';
import type { PaymentRow } from './tables.ts';

const openOrder = z.strictObject({
  /** The merchant's own reference of the payment, or the PSP's id of it. */
  payment: z.string().min(1),
  stage: z.enum(['inquiry', 'chargeback']).default('chargeback'),
  /** Minor units; the whole payment without it. */
  amount: z.int().positive().optional(),
  reason: z.string().max(100).default('fraudulent'),
  /** Until evidence is due. */
  dueMs: z
    .int()
    .min(0)
    .default(14 * 86_400_000),
});

const stepOrder = z.strictObject({ step: z.enum(disputeSteps) });

export function serveDisputeScenario(app: PartyApp, psp: Psp, hasInquiries: boolean): void {
  app.get('/_scenario/disputes', (c) => c.json({ disputes: psp.disputes.list() }));

  app.post('/_scenario/disputes', async (c) => {
    const order = openOrder.safeParse(await c.req.json());
    if (!order.success) return c.json({ error: z.prettifyError(order.error) }, 400);
    const payment = psp.store.one<PaymentRow>(
      'select * from payment where id = ? or reference = ? order by created_at_ms desc limit 1',
      order.data.payment,
      order.data.payment,
    );
    if (payment === undefined) return c.json({ error: 'no such payment' }, 404);
    const { stage, amount, reason, dueMs } = order.data;
    if (stage === 'inquiry' && !hasInquiries)
      return c.json({ error: 'this PSP begins with a chargeback' }, 409);
    return attempt(c, () =>
      psp.store.transaction(() => psp.disputes.open({ payment, stage, amount, reason, dueMs })),
    );
  });

  app.post('/_scenario/disputes/:id', async (c) => {
    const order = stepOrder.safeParse(await c.req.json());
    if (!order.success) return c.json({ error: z.prettifyError(order.error) }, 400);
    return attempt(c, () =>
      psp.store.transaction(() => psp.disputes.step(c.req.param('id'), order.data.step)),
    );
  });
}

function attempt(c: { json: (body: object, status?: 409) => Response }, work: () => object): Response {
  try {
    return c.json(work());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return c.json({ error: error.message }, 409);
  }
}
