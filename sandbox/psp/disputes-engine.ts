/** Disputes of cardholders: opened and decided by the scenario, answered by the merchant; money moves with their stages. */
import type { StateStore } from '../support/state-store.ts';
import type { Fact } from './facts.ts';
import type { PaymentsEngine } from './payments-engine.ts';
import { Refusal } from './refusal.ts';
import type { DisputeEnding, DisputeRow, MovementRow, PaymentRow } from './tables.ts';

interface DisputeParts {
  store: StateStore;
  payments: PaymentsEngine;
  publish: (fact: Fact) => void;
  newId: () => string;
}

export type DisputesEngine = ReturnType<typeof createDisputesEngine>;

export const disputeSteps = ['escalate', 'win', 'lose', 'second', 'close', 'cancel', 'expire'] as const;
export type DisputeStep = (typeof disputeSteps)[number];

export function createDisputesEngine({ store, payments, publish, newId }: DisputeParts) {
  const find = (id: string) => store.one<DisputeRow>('select * from dispute where id = ?', id);

  function must(id: string): DisputeRow {
    const dispute = find(id);
    if (dispute === undefined) throw new Refusal('not_found', `No such dispute: '${id}'`, 'dispute');
    return dispute;
  }

  const paymentOf = (dispute: DisputeRow): PaymentRow => payments.must(dispute.payment_id);

  function save(dispute: DisputeRow): void {
    store.run(
      'update dispute set stage = ?, status = ?, responses = ?, evidence = ? where id = ?',
      dispute.stage,
      dispute.status,
      dispute.responses,
      dispute.evidence,
      dispute.id,
    );
  }

  function move(dispute: DisputeRow, kind: 'dispute' | 'dispute_reversal'): void {
    const payment = paymentOf(dispute);
    store.run(
      'insert into movement (kind, subject, payment_id, reference, amount, currency, at_ms) values (?, ?, ?, ?, ?, ?, ?)',
      kind,
      dispute.id,
      payment.id,
      payment.reference,
      dispute.amount,
      dispute.currency,
      Date.now(),
    );
    publish({
      kind: kind === 'dispute' ? 'dispute_funds_withdrawn' : 'dispute_funds_reinstated',
      payment,
      dispute,
    });
  }

  const end = (dispute: DisputeRow, ending: DisputeEnding): void =>
    void store.run(
      'insert or replace into dispute_ending (dispute_id, ending) values (?, ?)',
      dispute.id,
      ending,
    );

  const tell = (kind: 'dispute_opened' | 'dispute_updated' | 'dispute_closed', dispute: DisputeRow) =>
    publish({ kind, payment: paymentOf(dispute), dispute });

  function expect(dispute: DisputeRow, allowed: boolean): void {
    if (!allowed)
      throw new Refusal('invalid_state', `This dispute is ${dispute.stage} and ${dispute.status}.`);
  }

  const steps: Record<DisputeStep, (dispute: DisputeRow) => void> = {
    escalate(dispute) {
      expect(dispute, dispute.stage === 'inquiry' && dispute.status !== 'closed');
      Object.assign(dispute, { stage: 'chargeback', status: 'needs_response' });
      save(dispute);
      tell('dispute_updated', dispute);
      move(dispute, 'dispute');
    },
    win(dispute) {
      expect(dispute, dispute.stage !== 'inquiry' && isOpen(dispute));
      dispute.status = 'won';
      save(dispute);
      tell('dispute_closed', dispute);
      move(dispute, 'dispute_reversal');
    },
    lose(dispute) {
      expect(dispute, dispute.stage !== 'inquiry' && isOpen(dispute));
      dispute.status = 'lost';
      save(dispute);
      tell('dispute_closed', dispute);
    },
    second(dispute) {
      expect(dispute, dispute.stage === 'chargeback' && dispute.status === 'won');
      Object.assign(dispute, { stage: 'second', status: 'needs_response' });
      save(dispute);
      tell('dispute_updated', dispute);
      move(dispute, 'dispute');
    },
    /** The issuer takes it back: as a win, without anybody having judged. */
    cancel(dispute) {
      expect(dispute, dispute.stage === 'chargeback' && isOpen(dispute));
      end(dispute, 'canceled');
      steps.win(dispute);
    },
    expire(dispute) {
      expect(dispute, dispute.stage === 'chargeback' && dispute.status === 'needs_response');
      end(dispute, 'expired');
      steps.lose(dispute);
    },
    close(dispute) {
      expect(dispute, dispute.stage === 'inquiry' && isOpen(dispute));
      dispute.status = 'closed';
      save(dispute);
      tell('dispute_closed', dispute);
    },
  };

  return {
    find,
    must,
    /** How it ended, where that was neither judged nor closed; undefined while it is open, too. */
    endingOf: (id: string): DisputeEnding | undefined =>
      store.one<{ ending: DisputeEnding }>('select ending from dispute_ending where dispute_id = ?', id)
        ?.ending,
    list: () =>
      store.all<DisputeRow>('select * from dispute order by created_at_ms desc, rowid desc limit 1000'),

    movementsOf: (id: string) =>
      store.all<MovementRow>(
        `select * from movement where subject = ? and kind in ('dispute', 'dispute_reversal') order by id`,
        id,
      ),

    open(order: {
      payment: PaymentRow;
      stage: 'inquiry' | 'chargeback';
      amount: number | undefined;
      reason: string;
      dueMs: number;
    }): DisputeRow {
      const { payment } = order;
      if (payment.status !== 'captured')
        throw new Refusal('invalid_state', `The payment is ${payment.status}.`, 'payment');
      const id = newId();
      store.run(
        `insert into dispute (id, payment_id, amount, currency, reason, stage, status, due_ms, created_at_ms)
         values (?, ?, ?, ?, ?, ?, 'needs_response', ?, ?)`,
        id,
        payment.id,
        order.amount ?? payment.captured,
        payment.currency,
        order.reason,
        order.stage,
        Date.now() + order.dueMs,
        Date.now(),
      );
      const dispute = must(id);
      tell('dispute_opened', dispute);
      if (order.stage === 'chargeback') move(dispute, 'dispute');
      return dispute;
    },

    /** What a bank or a card network decides. */
    step(id: string, step: DisputeStep): DisputeRow {
      const dispute = must(id);
      steps[step](dispute);
      return dispute;
    },

    /** The merchant's evidence; `submit` false only keeps it. */
    respond(id: string, evidence: string, submit: boolean): DisputeRow {
      const dispute = must(id);
      expect(dispute, dispute.status === 'needs_response');
      if (dispute.due_ms < Date.now())
        throw new Refusal('invalid_state', 'The deadline for evidence has passed.', 'evidence');
      dispute.evidence = evidence;
      if (submit) {
        dispute.status = 'under_review';
        dispute.responses += 1;
      }
      save(dispute);
      tell('dispute_updated', dispute);
      return dispute;
    },

    /** The merchant gives in. */
    accept(id: string): DisputeRow {
      const dispute = must(id);
      expect(dispute, isOpen(dispute));
      end(dispute, 'accepted');
      dispute.status = dispute.stage === 'inquiry' ? 'closed' : 'lost';
      save(dispute);
      tell('dispute_closed', dispute);
      return dispute;
    },
  };
}

const isOpen = ({ status }: DisputeRow): boolean => status === 'needs_response' || status === 'under_review';
