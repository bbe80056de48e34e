/** Sends money to a stored card; the result is only known some time after the request was accepted. */
import type { DueWork } from '../support/due-work.ts';
import type { StateStore } from '../support/state-store.ts';
import { behaviourName, behaviourOf, type Delivery } from './behaviours.ts';
import type { CardVault } from './card-vault.ts';
import type { Fact } from './facts.ts';
import { Refusal } from './refusal.ts';
import type { ScenarioBook } from './scenario-book.ts';
import type { PayoutRow } from './tables.ts';

interface PayoutParts {
  store: StateStore;
  vault: CardVault;
  scenario: ScenarioBook;
  due: () => DueWork;
  publish: (fact: Fact) => void;
}

export interface NewPayout {
  id: string;
  reference: string | null;
  destination: string | null;
  amount: number;
  currency: string;
  shopper: string | null;
  metadata: Record<string, unknown>;
  description: string | null;
  /** Two-step payouts wait for a confirmation. */
  waitsForConfirmation: boolean;
}

export type PayoutsEngine = ReturnType<typeof createPayoutsEngine>;

export function createPayoutsEngine({ store, vault, scenario, due, publish }: PayoutParts) {
  const find = (id: string) => store.one<PayoutRow>('select * from payout where id = ?', id);

  function must(id: string): PayoutRow {
    const payout = find(id);
    if (payout === undefined) throw new Refusal('not_found', `No such payout: ${id}`, 'payout');
    return payout;
  }

  function move(payout: PayoutRow, status: PayoutRow['status']): PayoutRow {
    store.run('update payout set status = ? where id = ?', status, payout.id);
    return { ...payout, status };
  }

  return {
    find,
    must,
    list: (limit: number) =>
      store.all<PayoutRow>('select * from payout order by created_at_ms desc, rowid desc limit ?', limit),

    submit(input: NewPayout): { payout: PayoutRow; delivery: Delivery; happened: boolean } {
      const card = vault.find(input.destination);
      if (input.destination !== null && card === undefined) {
        throw new Refusal('not_found', `No such destination: ${input.destination}`, 'destination');
      }
      const behaviour = scenario.payoutBehaviour(card);
      const { outcome, delivery } = behaviourOf(behaviour);
      const payout: PayoutRow = {
        id: input.id,
        reference: input.reference,
        destination: input.destination,
        amount: input.amount,
        currency: input.currency,
        status: input.waitsForConfirmation ? 'submitted' : 'pending',
        shopper: input.shopper,
        metadata: JSON.stringify(input.metadata),
        description: input.description,
        behaviour,
        created_at_ms: Date.now(),
      };
      if (outcome.kind === 'nothing') return { payout, delivery, happened: false };
      store.run(
        'insert into payout values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        payout.id,
        payout.reference,
        payout.destination,
        payout.amount,
        payout.currency,
        payout.status,
        payout.shopper,
        payout.metadata,
        payout.description,
        payout.behaviour,
        payout.created_at_ms,
      );
      publish({ kind: 'payout_created', payout });
      if (!input.waitsForConfirmation)
        due().schedule('settle_payout', payout.id, scenario.current().payoutMs);
      return { payout, delivery, happened: true };
    },

    confirm(id: string): PayoutRow {
      const payout = must(id);
      if (payout.status !== 'submitted')
        throw new Refusal('invalid_state', `The payout is ${payout.status}.`);
      due().schedule('settle_payout', id, scenario.current().payoutMs);
      return move(payout, 'pending');
    },

    cancel(id: string): PayoutRow {
      const payout = must(id);
      if (payout.status !== 'submitted')
        throw new Refusal('invalid_state', `The payout is ${payout.status}.`);
      const cancelled = move(payout, 'cancelled');
      publish({ kind: 'payout_cancelled', payout: cancelled });
      return cancelled;
    },

    settle(id: string): void {
      const payout = find(id);
      if (payout?.status !== 'pending') return;
      const behaviour = behaviourOf(behaviourName.parse(payout.behaviour));
      if (behaviour.payoutFails === true || behaviour.outcome.kind === 'declined') {
        publish({ kind: 'payout_failed', payout: move(payout, 'failed') });
        return;
      }
      store.run(
        'insert into movement (kind, subject, reference, amount, currency, at_ms) values (?, ?, ?, ?, ?, ?)',
        'payout',
        payout.id,
        payout.reference,
        payout.amount,
        payout.currency,
        Date.now(),
      );
      publish({ kind: 'payout_paid', payout: move(payout, 'paid') });
    },
  };
}
