/** /disputes: a dispute with its one status, evidence that is provided and then submitted for good, and giving in. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import type { DisputeRow } from '../tables.ts';
import { evidenceBody, noBody } from './checkout-bodies.schema.ts';
import { answerRead, answerWrite } from './checkout-requests.ts';

const iso = (atMs: number): string => new Date(atMs).toISOString();
const noContent = { answer: { status: 204, body: undefined } };

export function disputeStatusOf(dispute: DisputeRow, psp: Psp): string {
  const ending = psp.disputes.endingOf(dispute.id);
  const isSecond = dispute.stage === 'second';
  switch (dispute.status) {
    case 'needs_response':
      return isSecond ? 'arbitration_under_review' : 'evidence_required';
    case 'under_review':
      return isSecond ? 'arb_evidence_submitted' : 'evidence_under_review';
    case 'won':
    case 'lost':
      return ending ?? (isSecond ? `arbitration_${dispute.status}` : dispute.status);
    case 'closed':
      return 'resolved';
  }
}

export function disputeObject(dispute: DisputeRow, psp: Psp) {
  const payment = psp.payments.must(dispute.payment_id);
  const card = psp.vault.find(payment.card_id);
  return {
    id: dispute.id,
    entity_id: 'ent_pitboss_sandbox',
    category: dispute.reason,
    amount: dispute.amount,
    currency: dispute.currency,
    reason_code: '10.4',
    status: disputeStatusOf(dispute, psp),
    received_on: iso(dispute.created_at_ms),
    last_update: iso(Date.now()),
    ...(dispute.status === 'needs_response' ? { evidence_required_by: iso(dispute.due_ms) } : {}),
    payment: {
      id: payment.id,
      action_id: payment.charge_id,
      amount: payment.amount,
      currency: payment.currency,
      method: card?.brand.toUpperCase() ?? 'UNKNOWN',
      processed_on: iso(payment.created_at_ms),
    },
  };
}

export function serveCheckoutDisputes(app: PartyApp, psp: Psp): void {
  /** Evidence waits here until it is submitted. */
  const evidenceOf = (id: string) =>
    psp.store.one<{ value: string }>('select value from setting where name = ?', `evidence:${id}`)?.value;

  app.get('/disputes/:id', (c) => answerRead(() => disputeObject(psp.disputes.must(c.req.param('id')), psp)));

  app.put('/disputes/:id/evidence', (c) =>
    answerWrite(c, psp, {
      schema: evidenceBody,
      work(body) {
        const dispute = psp.disputes.must(c.req.param('id'));
        if (dispute.status !== 'needs_response')
          throw new Refusal('invalid_state', 'The dispute waits for no evidence.', 'dispute');
        psp.store.run(
          'insert or replace into setting (name, value) values (?, ?)',
          `evidence:${dispute.id}`,
          JSON.stringify(body),
        );
        return noContent;
      },
    }),
  );

  const submit = (path: string, stage: DisputeRow['stage']) =>
    app.post(path, (c) =>
      answerWrite(c, psp, {
        schema: noBody,
        work() {
          const dispute = psp.disputes.must(c.req.param('id') ?? '');
          const evidence = evidenceOf(dispute.id);
          if (evidence === undefined) throw new Refusal('missing_parameter', 'evidence_not_provided');
          if (dispute.stage !== stage)
            throw new Refusal('invalid_state', 'The dispute is at another stage.', 'dispute');
          psp.disputes.respond(dispute.id, evidence, true);
          psp.store.run('delete from setting where name = ?', `evidence:${dispute.id}`);
          return { ...noContent, delivery: psp.scenario.current().modifyDelivery };
        },
      }),
    );
  submit('/disputes/:id/evidence', 'chargeback');
  submit('/disputes/:id/evidence/arbitration', 'second');

  app.post('/disputes/:id/accept', (c) =>
    answerWrite(c, psp, {
      schema: noBody,
      work() {
        psp.disputes.accept(c.req.param('id'));
        return { ...noContent, delivery: psp.scenario.current().modifyDelivery };
      },
    }),
  );
}
