/** A payment service provider as a process of its own: one engine, spoken to in Stripe's, Adyen's or Checkout.com's words. */
import { createDueWork, type DueWork } from '../support/due-work.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { createWebhookQueue } from '../support/webhook-queue.ts';
import { createAdyenDialect } from './adyen/adyen-dialect.ts';
import { createAuthentications } from './authentications.ts';
import { serveBooks } from './books.ts';
import { createCardVault } from './card-vault.ts';
import { serveChallenge } from './challenge-page.ts';
import { createCheckoutDialect } from './checkout/checkout-dialect.ts';
import { serveConnectionFaults } from './connection-faults.ts';
import { createDisputesEngine } from './disputes-engine.ts';
import type { Fact } from './facts.ts';
import { serveFraudAlertScenario } from './fraud-alert-scenario.ts';
import { createFraudAlertsEngine } from './fraud-alerts-engine.ts';
import { serveDisputeScenario } from './dispute-scenario.ts';
import { createIdempotencyBook } from './idempotency.ts';
import { createPaymentsEngine } from './payments-engine.ts';
import { createPayoutsEngine } from './payouts-engine.ts';
import type { Dialect, Psp } from './psp.ts';
import { createRefundsEngine } from './refunds-engine.ts';
import { serveScenario } from './scenario-api.ts';
import { createScenarioBook } from './scenario-book.ts';
import { serveSettlementScenario } from './settlement.ts';
import { readPspSettings, type PspSettings } from './settings.ts';
import { createStripeDialect } from './stripe/stripe-dialect.ts';
import { pspTables } from './tables.ts';

const settings = readPspSettings();
const log = createLog(`psp-${settings.account.dialect}`);
const store = openStateStore(settings.stateDirectory, `psp-${settings.account.dialect}.sqlite`, pspTables);
const dialect = openDialect(settings.account);

let publicUrl = settings.publicUrl.replace(/\/$/, '');
const scenario = createScenarioBook(store);
const webhooks = createWebhookQueue({
  store,
  url: settings.webhookUrl,
  log,
  sign: (body) => dialect.sign(body),
  faults: () => scenario.current().webhook,
});
const publish = (fact: Fact) => {
  for (const { eventId, body } of dialect.notices(fact, psp)) webhooks.enqueue(eventId, body);
  if (fact.kind === 'refunded' || fact.kind === 'dispute_opened') fraudAlerts.chargeChanged(fact.payment.id);
};

const vault = createCardVault(store);
const dueParts = { store, vault, scenario, publish, due: (): DueWork => due };
const authentications = createAuthentications(store);
const payments = createPaymentsEngine({
  ...dueParts,
  authentications,
  newChargeId: () => dialect.newChargeId(),
});
const refunds = createRefundsEngine({ ...dueParts, payments });
const payouts = createPayoutsEngine(dueParts);
const disputes = createDisputesEngine({ store, payments, publish, newId: () => dialect.newDisputeId() });
const fraudAlerts = createFraudAlertsEngine({
  store,
  payments,
  publish,
  newId: () => dialect.newFraudAlertId(),
});
const idempotency = createIdempotencyBook(store);
const due = createDueWork(
  store,
  {
    complete_payment: (id) =>
      store.transaction(() => {
        const payment = payments.complete(id);
        const key = payment?.idempotency_key ?? null;
        if (payment !== undefined && key !== null) idempotency.complete(key, dialect.answerFor(payment, psp));
      }),
    charge_declined: (id) => store.transaction(() => payments.chargeDeclined(id)),
    fail_refund: (id) => store.transaction(() => refunds.fail(id)),
    settle_payout: (id) => store.transaction(() => payouts.settle(id)),
  },
  log,
);
const psp: Psp = {
  store,
  vault,
  scenario,
  authentications,
  payments,
  refunds,
  disputes,
  fraudAlerts,
  payouts,
  idempotency,
  due,
  log,
  publicUrl: () => publicUrl,
};

const app = createPartyApp(log);
serveScenario(app, {
  scenario,
  webhooks,
  refuseConnections: (durationMs) => server.refuseConnections(durationMs),
});
// Checkout.com's disputes begin with the debit.
serveDisputeScenario(app, psp, dialect.name !== 'checkout');
serveFraudAlertScenario(app, psp, dialect.name !== 'checkout');
serveSettlementScenario(app, psp);
serveBooks(app, store, dialect.name);
serveConnectionFaults(app, scenario, dialect);
serveChallenge(app, psp, dialect);
dialect.mount(app, psp);

const server = await serveParty(app, settings.port, log, () => {
  webhooks.stop();
  due.stop();
  store.close();
});
if (publicUrl === '') publicUrl = `http://127.0.0.1:${server.port}`;
webhooks.start();
due.start();

function openDialect(account: PspSettings['account']): Dialect {
  switch (account.dialect) {
    case 'stripe':
      return createStripeDialect(account);
    case 'adyen':
      return createAdyenDialect(account);
    case 'checkout':
      return createCheckoutDialect(account);
  }
}
