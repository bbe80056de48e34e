/** The cashier: deposits, withdrawals, what the back office sees of them, and the PSPs' webhooks. */
import type { Api } from './app.ts';
import type { ApiDeps } from './context.ts';
import { mountBackofficePayments } from './payments/backoffice-payments.ts';
import { mountDisputes } from './payments/disputes.ts';
import { mountBankTransfers } from './payments/bank-transfers.ts';
import { mountCrypto } from './payments/crypto.ts';
import { mountDepositReturn } from './payments/deposit-return.ts';
import { mountDeposits } from './payments/deposits.ts';
import { mountPaymentHealth } from './payments/payment-health.ts';
import { mountListEntries } from './payments/list-entries.ts';
import { mountPaymentRules } from './payments/payment-rules.ts';
import { mountRetryRules } from './payments/retry-rules.ts';
import { mountRoutingDecisions } from './payments/routing-decisions.ts';
import { mountBackofficeRamp } from './payments/backoffice-ramp.ts';
import { mountRamp } from './payments/ramp.ts';
import { mountModifications } from './payments/modifications.ts';
import { mountReconciliation } from './payments/reconciliation.ts';
import { mountRefunds } from './payments/refunds.ts';
import { mountTransferExpiry } from './payments/transfer-expiry.ts';
import { mountWithdrawals } from './payments/withdrawals.ts';
import { mountPspWebhooks } from './payments/webhook.ts';
import { mountWorkItems } from './payments/work-items.ts';

export function mountPayments(api: Api, deps: ApiDeps): void {
  mountDeposits(api, deps);
  mountDepositReturn(api, deps);
  mountBankTransfers(api, deps);
  mountCrypto(api, deps);
  mountRamp(api, deps);
  mountBackofficeRamp(api, deps);
  mountWithdrawals(api, deps);
  mountBackofficePayments(api, deps);
  mountWorkItems(api, deps);
  mountTransferExpiry(api, deps);
  mountRoutingDecisions(api, deps);
  mountPaymentHealth(api, deps);
  mountRefunds(api, deps);
  mountModifications(api, deps);
  mountDisputes(api, deps);
  mountReconciliation(api, deps);
  mountPaymentRules(api, deps);
  mountRetryRules(api, deps);
  mountListEntries(api, deps);
  mountPspWebhooks(api, deps);
}
