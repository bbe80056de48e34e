/** Charges cards: authorise, challenge, capture, cancel. Every change and its books are written in the caller's transaction. */
import { createHash, randomBytes } from 'node:crypto';
import type { AskedOfIssuer, Authentications } from './authentications.ts';
import type { DueWork } from '../support/due-work.ts';
import type { StateStore } from '../support/state-store.ts';
import { behaviourName, behaviourOf, type Delivery } from './behaviours.ts';
import type { CardVault } from './card-vault.ts';
import type { DeclineName } from './declines.ts';
import type { Fact } from './facts.ts';
import { Refusal } from './refusal.ts';
import type { ScenarioBook } from './scenario-book.ts';
import type { OperationRow, PaymentRow } from './tables.ts';

export interface NewPayment {
  id: string;
  reference: string | null;
  cardId: string | null;
  amount: number;
  currency: string;
  manualCapture: boolean;
  threeDsAsked: boolean;
  returnUrl: string | null;
  shopper: string | null;
  metadata: Record<string, unknown>;
  description: string | null;
  idempotencyKey: string | null;
  asked?: AskedOfIssuer;
  /** It may be captured more than once. */
  severalCaptures?: boolean;
  /** Instead of a card: the player is sent to this wallet. */
  wallet?: string | undefined;
}

interface EngineParts {
  store: StateStore;
  vault: CardVault;
  scenario: ScenarioBook;
  due: () => DueWork;
  publish: (fact: Fact) => void;
  authentications: Authentications;
  newChargeId: () => string;
}

export type PaymentsEngine = ReturnType<typeof createPaymentsEngine>;

export function createPaymentsEngine({
  store,
  vault,
  scenario,
  due,
  publish,
  authentications,
  newChargeId,
}: EngineParts) {
  const find = (id: string) => store.one<PaymentRow>('select * from payment where id = ?', id);

  function must(id: string): PaymentRow {
    const payment = find(id);
    if (payment === undefined || payment.visible_at_ms > Date.now())
      throw new Refusal('not_found', `No such payment: ${id}`, 'id');
    return payment;
  }

  function save(payment: PaymentRow): void {
    store.run(
      `update payment set card_id = ?, status = ?, captured = ?, refunded = ?, decline = ?, charge_id = ?, challenge = ?,
         redirect_result = ?, result_used = ?, return_url = ?, idempotency_key = ?, visible_at_ms = ? where id = ?`,
      payment.card_id,
      payment.status,
      payment.captured,
      payment.refunded,
      payment.decline,
      payment.charge_id,
      payment.challenge,
      payment.redirect_result,
      payment.result_used,
      payment.return_url,
      payment.idempotency_key,
      payment.visible_at_ms,
      payment.id,
    );
  }

  function bookCharge(payment: PaymentRow, amount: number, operation?: string): void {
    store.run(
      'insert into movement (kind, subject, payment_id, reference, amount, currency, at_ms) values (?, ?, ?, ?, ?, ?, ?)',
      'charge',
      payment.charge_id ?? payment.id,
      payment.id,
      payment.reference,
      amount,
      payment.currency,
      Date.now(),
    );
    if (operation !== undefined)
      store.run(
        'insert into movement_operation (movement_id, operation) select max(id), ? from movement',
        operation,
      );
  }

  const takesSeveral = (id: string): boolean =>
    store.one('select 1 from several_captures where payment_id = ?', id) !== undefined;

  function approve(payment: PaymentRow): void {
    payment.charge_id = newChargeId();
    payment.decline = null;
    payment.visible_at_ms = Math.min(payment.visible_at_ms, Date.now());
    if (payment.manual_capture === 0) {
      payment.captured = payment.amount;
      payment.status = 'captured';
      bookCharge(payment, payment.amount);
    } else {
      payment.status = 'authorised';
    }
    save(payment);
    publish({ kind: 'authorised', payment });
  }

  function decline(payment: PaymentRow, name: DeclineName): void {
    payment.charge_id = newChargeId();
    payment.status = 'declined';
    payment.decline = name;
    save(payment);
    publish({ kind: 'declined', payment });
  }

  function challenge(payment: PaymentRow): void {
    payment.status = 'challenge';
    payment.challenge = randomBytes(18).toString('base64url');
    save(payment);
    publish({ kind: 'challenged', payment });
  }

  const walletOf = (id: string): string | undefined =>
    store.one<{ wallet: string }>('select wallet from wallet_payment where payment_id = ?', id)?.wallet;

  const payerOf = (id: string): string | undefined =>
    store.one<{ payer: string }>('select payer from wallet_payer where payment_id = ?', id)?.payer;

  /** The account of whoever signed in at the wallet: 13 characters, as PayPal's. */
  function keepPayer(payment: PaymentRow): void {
    const { player } = JSON.parse(payment.metadata) as { player?: unknown };
    const who = typeof player === 'string' ? player : (payment.shopper ?? payment.id);
    const own = createHash('sha256').update(who).digest('hex').slice(0, 13).toUpperCase();
    store.run(
      'insert or replace into wallet_payer (payment_id, payer) values (?, ?)',
      payment.id,
      scenario.current().walletPayer ?? own,
    );
  }

  function finish(payment: PaymentRow, passed: boolean): void {
    if (walletOf(payment.id) !== undefined) {
      if (!passed) return decline(payment, 'not_authenticated');
      keepPayer(payment);
      if (scenario.current().wallet === 'normal') return approve(payment);
      payment.status = 'processing';
      save(payment);
      due().schedule('complete_payment', payment.id, scenario.current().lateMs);
      return;
    }
    authentications.conclude(payment, vault.find(payment.card_id), passed ? 'Y' : 'N', 'challenge');
    if (!passed) decline(payment, 'not_authenticated');
    else if (authentications.declinesAfter(payment.id)) decline(payment, 'generic');
    else approve(payment);
  }

  function record(
    kind: 'capture' | 'void',
    payment: PaymentRow,
    operation: { id: string; reference: string | null; amount: number; approved: boolean },
  ): void {
    store.run(
      'insert into operation (id, payment_id, kind, reference, amount, approved, at_ms) values (?, ?, ?, ?, ?, ?, ?)',
      operation.id,
      payment.id,
      kind,
      operation.reference,
      operation.amount,
      Number(operation.approved),
      Date.now(),
    );
  }

  return {
    find,
    must,
    walletOf,
    payerOf,
    takesSeveral,

    operationsOf: (id: string): OperationRow[] =>
      store.all<OperationRow>(
        'select * from operation where payment_id = ? order by at_ms desc, rowid desc',
        id,
      ),

    /** The card of this payment can be authorised, and its captures fail. */
    failsToCapture: (id: string): boolean => {
      const card = vault.find(find(id)?.card_id ?? null);
      return card !== undefined && behaviourOf(behaviourName.parse(card.behaviour)).captureFails === true;
    },

    create(input: NewPayment): PaymentRow {
      const nowMs = Date.now();
      const { shopper } = scenario.current();
      const metadata =
        shopper === null || !('player' in input.metadata)
          ? input.metadata
          : { ...input.metadata, player: shopper };
      store.run(
        `insert into payment (id, reference, card_id, amount, currency, status, manual_capture, three_ds_asked, return_url, shopper,
           metadata, description, idempotency_key, created_at_ms, visible_at_ms)
         values (?, ?, ?, ?, ?, 'created', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        input.id,
        input.reference,
        input.cardId,
        input.amount,
        input.currency,
        Number(input.manualCapture),
        Number(input.threeDsAsked),
        input.returnUrl,
        input.shopper,
        JSON.stringify(metadata),
        input.description,
        input.idempotencyKey,
        nowMs,
        nowMs,
      );
      authentications.ask(input.id, input.asked ?? {});
      if (input.severalCaptures === true && scenario.current().severalCaptures === 'granted')
        store.run('insert into several_captures (payment_id) values (?)', input.id);
      if (input.wallet !== undefined)
        store.run('insert into wallet_payment (payment_id, wallet) values (?, ?)', input.id, input.wallet);
      return must(input.id);
    },

    /** 'nothing' means that the request was lost on its way: the caller must forget the payment again. */
    authorise(payment: PaymentRow): { delivery: Delivery; happened: boolean } {
      if (walletOf(payment.id) !== undefined) {
        challenge(payment);
        return { delivery: 'answer', happened: true };
      }
      const card = vault.find(payment.card_id);
      if (card === undefined)
        throw new Refusal(
          'not_found',
          `No such payment method: ${payment.card_id ?? 'none'}`,
          'payment_method',
        );
      const { outcome, delivery } = behaviourOf(scenario.paymentBehaviour(card));
      switch (outcome.kind) {
        case 'approved':
          if (
            !authentications.takeOver(payment) &&
            !authentications.exempt(payment) &&
            payment.three_ds_asked === 1
          )
            authentications.conclude(payment, card, 'Y');
          approve(payment);
          break;
        case 'authenticated':
          authentications.conclude(payment, card, outcome.status);
          if (outcome.status === 'U' && authentications.asked(payment.id).refuseUnavailable === true)
            decline(payment, 'not_authenticated');
          else approve(payment);
          break;
        case 'rejected':
          authentications.conclude(payment, card, 'R');
          decline(payment, 'not_authenticated');
          break;
        case 'declined':
          decline(payment, outcome.decline);
          break;
        case 'declined_then_charged':
          decline(payment, outcome.decline);
          due().schedule('charge_declined', payment.id, scenario.current().lateMs);
          break;
        case 'challenge':
          if (authentications.takeOver(payment)) approve(payment);
          else challenge(payment);
          break;
        case 'challenge_then_decline':
          if (authentications.takeOver(payment)) decline(payment, 'generic');
          else {
            authentications.declineAfter(payment.id);
            challenge(payment);
          }
          break;
        case 'challenge_if_asked':
          if (authentications.takeOver(payment)) approve(payment);
          else if (payment.three_ds_asked === 1) challenge(payment);
          else decline(payment, 'sca_required');
          break;
        case 'decoupled':
          authentications.conclude(payment, card, 'D', null);
          payment.status = 'processing';
          save(payment);
          due().schedule('complete_payment', payment.id, scenario.current().lateMs);
          break;
        case 'processing':
        case 'late':
          payment.status = outcome.kind;
          if (outcome.kind === 'late') payment.visible_at_ms = Number.MAX_SAFE_INTEGER;
          save(payment);
          due().schedule('complete_payment', payment.id, scenario.current().lateMs);
          break;
        case 'nothing':
          return { delivery, happened: false };
      }
      return { delivery, happened: true };
    },

    /** The end of a late or processing payment. */
    complete(id: string): PaymentRow | undefined {
      const payment = find(id);
      if (payment === undefined || (payment.status !== 'late' && payment.status !== 'processing'))
        return undefined;
      if (walletOf(id) !== undefined && scenario.current().wallet === 'pending_declined')
        decline(payment, 'generic');
      else {
        if (authentications.of(id)?.status === 'D')
          authentications.conclude(payment, vault.find(payment.card_id), 'Y');
        approve(payment);
      }
      return payment;
    },

    /** The end of a payment whose decline did not hold. */
    chargeDeclined(id: string): void {
      const payment = find(id);
      if (payment?.status === 'declined') approve(payment);
    },

    findChallenge: (token: string) =>
      store.one<PaymentRow>('select * from payment where challenge = ?', token),
    findRedirectResult: (result: string) =>
      store.one<PaymentRow>('select * from payment where redirect_result = ?', result),

    finishChallenge(payment: PaymentRow, passed: boolean): void {
      finish(payment, passed);
    },

    /** For a dialect in which the merchant fetches the result of the challenge. */
    holdChallengeResult(payment: PaymentRow, result: string): void {
      payment.status = 'authenticated';
      payment.redirect_result = result;
      save(payment);
    },

    useChallengeResult(payment: PaymentRow, passed: boolean): void {
      payment.result_used = 1;
      finish(payment, passed);
    },

    prepareConfirm(
      payment: PaymentRow,
      cardId: string,
      returnUrl: string | null,
      idempotencyKey: string | null,
    ): void {
      payment.card_id = cardId;
      payment.idempotency_key = idempotencyKey;
      if (returnUrl !== null) payment.return_url = returnUrl;
      save(payment);
    },

    /** A final capture gives up what it leaves; so does every one of a payment that takes one alone. */
    capture(
      id: string,
      amount: number | undefined,
      operation: string,
      reference: string | null,
      isFinal = true,
    ): PaymentRow {
      const payment = must(id);
      if (payment.status !== 'authorised')
        throw new Refusal(
          'invalid_state',
          `This payment could not be captured because it is ${payment.status}.`,
        );
      if (!isFinal && !takesSeveral(id))
        throw new Refusal('invalid_state', 'This payment cannot be captured more than once.');
      const open = payment.amount - payment.captured;
      const captured = amount ?? open;
      if (captured > open)
        throw new Refusal(
          'amount_too_large',
          'The capture is larger than the authorised amount.',
          'amount_to_capture',
        );
      if (this.failsToCapture(id)) {
        record('capture', payment, { id: operation, reference, amount: captured, approved: false });
        publish({ kind: 'capture_failed', payment, operation, reference, amount: captured });
        return payment;
      }
      record('capture', payment, { id: operation, reference, amount: captured, approved: true });
      payment.captured += captured;
      if (isFinal || payment.captured === payment.amount) payment.status = 'captured';
      save(payment);
      bookCharge(payment, captured, operation);
      publish({ kind: 'captured', payment, operation, reference, amount: captured });
      return payment;
    },

    cancel(id: string, operation: string, reference: string | null): PaymentRow {
      const payment = must(id);
      if (payment.status === 'captured' || payment.status === 'cancelled') {
        throw new Refusal(
          'invalid_state',
          `This payment could not be cancelled because it is ${payment.status}.`,
        );
      }
      const open = payment.amount - payment.captured;
      record('void', payment, { id: operation, reference, amount: open, approved: true });
      // What was captured stays so.
      payment.status = payment.captured > 0 ? 'captured' : 'cancelled';
      save(payment);
      publish({ kind: 'cancelled', payment, operation, reference, amount: open });
      return payment;
    },

    /** Strongly consistent, newest first; what is not visible yet is not listed. */
    list(filter: {
      shopper?: string | undefined;
      createdBeforeMs?: number | undefined;
      limit: number;
      metadata: Record<string, string>;
    }): PaymentRow[] {
      return store
        .all<PaymentRow>(
          `select * from payment where visible_at_ms <= ? and created_at_ms <= ? and (? is null or shopper = ?)
           order by created_at_ms desc, rowid desc limit 5000`,
          Date.now(),
          filter.createdBeforeMs ?? Number.MAX_SAFE_INTEGER,
          filter.shopper ?? null,
          filter.shopper ?? null,
        )
        .filter((payment) => {
          const metadata = JSON.parse(payment.metadata) as Record<string, unknown>;
          return Object.entries(filter.metadata).every(([name, value]) => metadata[name] === value);
        })
        .slice(0, filter.limit);
    },
  };
}
