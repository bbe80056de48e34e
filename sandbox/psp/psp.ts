/** The PSP behind all dialects, put together once; a dialect receives it and speaks for it. */
import type { DueWork } from '../support/due-work.ts';
import type { Log } from '../support/json-log.ts';
import type { PartyApp } from '../support/party-server.ts';
import type { StateStore } from '../support/state-store.ts';
import type { Authentications } from './authentications.ts';
import type { CardVault } from './card-vault.ts';
import type { DisputesEngine } from './disputes-engine.ts';
import type { Fact, Notice } from './facts.ts';
import type { FraudAlertsEngine } from './fraud-alerts-engine.ts';
import type { IdempotencyBook, StoredAnswer } from './idempotency.ts';
import type { PaymentsEngine } from './payments-engine.ts';
import type { PayoutsEngine } from './payouts-engine.ts';
import type { RefundsEngine } from './refunds-engine.ts';
import type { ScenarioBook } from './scenario-book.ts';
import type { PaymentRow } from './tables.ts';

export interface Psp {
  store: StateStore;
  vault: CardVault;
  scenario: ScenarioBook;
  authentications: Authentications;
  payments: PaymentsEngine;
  refunds: RefundsEngine;
  disputes: DisputesEngine;
  fraudAlerts: FraudAlertsEngine;
  payouts: PayoutsEngine;
  idempotency: IdempotencyBook;
  due: DueWork;
  log: Log;
  publicUrl: () => string;
}

export interface Dialect {
  name: 'stripe' | 'adyen' | 'checkout';
  newChargeId(): string;
  newDisputeId(): string;
  newFraudAlertId(): string;
  mount(app: PartyApp, psp: Psp): void;
  notices(fact: Fact, psp: Psp): Notice[];
  sign(body: string): Record<string, string>;
  /** The answer that a late payment's request would have had. */
  answerFor(payment: PaymentRow, psp: Psp): StoredAnswer;
  /** A request turned away before it was looked at; both mean "nothing was processed". */
  turnedAway(mode: 'outage' | 'rate_limited'): StoredAnswer;
  /** What a challenge page does with the player's choice; returns where the browser goes next. */
  finishChallenge(payment: PaymentRow, passed: boolean, psp: Psp): string | undefined;
}

/** Thrown inside the transaction when the request counts as lost on its way: everything it wrote is undone. */
export class RequestLost extends Error {
  readonly delivery: 'silence' | 'drop';

  constructor(delivery: 'silence' | 'drop') {
    super('the request was lost');
    this.delivery = delivery;
  }
}
