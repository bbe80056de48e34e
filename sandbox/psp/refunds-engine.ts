/** Gives money back on captured payments, never more than was captured. */
import type { DueWork } from '../support/due-work.ts';
import type { StateStore } from '../support/state-store.ts';
import { behaviourName, behaviourOf } from './behaviours.ts';
import type { CardVault } from './card-vault.ts';
import type { Fact } from './facts.ts';
import type { PaymentsEngine } from './payments-engine.ts';
import { Refusal } from './refusal.ts';
import type { ScenarioBook } from './scenario-book.ts';
import type { RefundRow } from './tables.ts';

interface RefundParts {
  store: StateStore;
  vault: CardVault;
  payments: PaymentsEngine;
  scenario: ScenarioBook;
  due: () => DueWork;
  publish: (fact: Fact) => void;
}

export interface NewRefund {
  id: string;
  paymentId: string;
  reference: string | null;
  amount: number | undefined;
  metadata: Record<string, unknown>;
}

/** A refund that will fail is pending for this long. */
const failureMs = 150;

export type RefundsEngine = ReturnType<typeof createRefundsEngine>;

export function createRefundsEngine({ store, vault, payments, scenario, due, publish }: RefundParts) {
  const find = (id: string) => store.one<RefundRow>('select * from refund where id = ?', id);

  function book(refund: RefundRow, reference: string | null): void {
    store.run(
      'insert into movement (kind, subject, payment_id, reference, amount, currency, at_ms) values (?, ?, ?, ?, ?, ?, ?)',
      'refund',
      refund.id,
      refund.payment_id,
      reference,
      refund.amount,
      refund.currency,
      Date.now(),
    );
  }

  return {
    find,
    ofPayment: (paymentId: string) =>
      store.all<RefundRow>(
        'select * from refund where payment_id = ? order by created_at_ms desc, rowid desc',
        paymentId,
      ),

    refund({ id, paymentId, reference, amount, metadata }: NewRefund): RefundRow {
      const payment = payments.must(paymentId);
      if (payment.captured === 0)
        throw new Refusal(
          'invalid_state',
          'This payment has no successful charge to refund.',
          'payment_intent',
        );
      const open = payment.captured - payment.refunded;
      const refunded = amount ?? open;
      if (refunded > open || refunded <= 0) {
        throw new Refusal(
          'amount_too_large',
          `Refund amount (${refunded}) is greater than unrefunded amount on charge (${open})`,
          'amount',
        );
      }
      payment.refunded += refunded;
      store.run('update payment set refunded = ? where id = ?', payment.refunded, payment.id);
      const card = vault.find(payment.card_id);
      const { walletRefund, lateMs } = scenario.current();
      const ofWallet = payments.walletOf(payment.id) === undefined ? 'normal' : walletRefund;
      const fails =
        ofWallet === 'fails' ||
        (card !== undefined && behaviourOf(behaviourName.parse(card.behaviour)).refundFails === true);
      const row: RefundRow = {
        id,
        payment_id: paymentId,
        reference,
        amount: refunded,
        currency: payment.currency,
        status: fails ? 'pending' : 'succeeded',
        metadata: JSON.stringify(metadata),
        created_at_ms: Date.now(),
      };
      store.run(
        'insert into refund values (?, ?, ?, ?, ?, ?, ?, ?)',
        row.id,
        row.payment_id,
        row.reference,
        row.amount,
        row.currency,
        row.status,
        row.metadata,
        row.created_at_ms,
      );
      publish({ kind: 'refund_created', payment, refund: row });
      if (fails) {
        due().schedule('fail_refund', id, failureMs);
      } else {
        book(row, reference ?? payment.reference);
        publish({ kind: 'refunded', payment, refund: row });
        if (ofWallet === 'returns') due().schedule('fail_refund', id, lateMs);
      }
      return row;
    },

    fail(id: string): void {
      const refund = find(id);
      if (refund === undefined || refund.status === 'failed') return;
      // What was paid comes back as a movement of its own.
      if (refund.status === 'succeeded') book({ ...refund, amount: -refund.amount }, refund.reference);
      const payment = payments.must(refund.payment_id);
      payment.refunded -= refund.amount;
      store.run('update payment set refunded = ? where id = ?', payment.refunded, payment.id);
      store.run(`update refund set status = 'failed' where id = ?`, id);
      publish({ kind: 'refund_failed', payment, refund: { ...refund, status: 'failed' } });
    },
  };
}
