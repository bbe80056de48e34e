/** The cashier: deposits, withdrawals, what the back office sees of them, and the PSPs' webhooks. */
import type { Api } from './app.ts';
import type { ApiDeps } from './context.ts';
import { mountBackofficePayments } from './payments/backoffice-payments.ts';
import { mountDisputes } from './payments/disputes.ts';
import { mountBankTransfers } from './payments/bank-transfers.ts';
import { mountDepositReturn } from './payments/deposit-return.ts';
import { mountDeposits } from './payments/deposits.ts';
import { mountRoutingDecisions } from './payments/routing-decisions.ts';
import { mountModifications } from './payments/modifications.ts';
import { mountReconciliation } from './payments/reconciliation.ts';
import { mountRefunds } from './payments/refunds.ts';
import { mountWithdrawals } from './payments/withdrawals.ts';
import { mountPspWebhooks } from './payments/webhook.ts';

export function mountPayments(api: Api, deps: ApiDeps): void {
  mountDeposits(api, deps);
  mountDepositReturn(api, deps);
  mountBankTransfers(api, deps);
  mountWithdrawals(api, deps);
  mountBackofficePayments(api, deps);
  mountRoutingDecisions(api, deps);
  mountRefunds(api, deps);
  mountModifications(api, deps);
  mountDisputes(api, deps);
  mountReconciliation(api, deps);
  mountPspWebhooks(api, deps);
}
