/** Which activities run on which task queue, and how many at once. */
import { createAwardActivities } from '#activities/bonus/awards.ts';
import { createMessageActivities } from '#activities/crm/messages.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { createCatalogueImportActivities } from '#activities/games/catalogue-import.ts';
import { createFreeRoundsActivities } from '#activities/games/free-rounds.ts';
import { createBetActivities } from '#activities/games/book/bet-activities.ts';
import { createMarketActivities } from '#activities/games/book/market-activities.ts';
import { createRoundActivities } from '#activities/games/rounds.ts';
import { createRegistrationActivities } from '#activities/pam/registrations.ts';
import { createDepositAttemptActivities } from '#activities/payments/deposit-attempts.ts';
import { createDepositActivities } from '#activities/payments/deposit-outcomes.ts';
import { createDisputeActivities } from '#activities/payments/disputes.ts';
import { createFraudAlertActivities } from '#activities/payments/fraud-alerts.ts';
import { createHoldActivities } from '#activities/payments/holds.ts';
import { createModificationCallActivities } from '#activities/payments/modification-calls.ts';
import { createModificationActivities } from '#activities/payments/modifications.ts';
import { createPayoutActivities } from '#activities/payments/payouts.ts';
import { createPayoutReturnActivities } from '#activities/payments/payout-returns.ts';
import { createReconciliationActivities } from '#activities/payments/reconciliation.ts';
import { createRefundCallActivities } from '#activities/payments/refund-calls.ts';
import { createRefundActivities } from '#activities/payments/refunds.ts';
import { createSecondChargeActivities } from '#activities/payments/second-charge.ts';
import { createBankReportActivities } from '#activities/payments/sepa/bank-reports.ts';
import { createPayoutBatchActivities } from '#activities/payments/sepa/payout-batches.ts';
import { createCryptoDepositActivities } from '#activities/payments/evm/crypto-deposits.ts';
import { createCollectActivities } from '#activities/payments/evm/collect-deposits.ts';
import { createHotWalletActivities } from '#activities/payments/evm/hot-wallet-activities.ts';
import { createUnauthenticatedChargeActivities } from '#activities/payments/unauthenticated-charge.ts';
import { createWithdrawalCheckActivities } from '#activities/payments/withdrawal-checks.ts';
import { createWithdrawalActivities } from '#activities/payments/withdrawal-outcomes.ts';
import { createKycVendorActivities } from '#activities/kyc/vendor-activities.ts';
import { createVerificationActivities } from '#activities/kyc/verification-activities.ts';
import { createExclusionActivities } from '#activities/responsible-gambling/exclusion-activities.ts';
import { createLimitChangeActivities } from '#activities/responsible-gambling/limit-change-activities.ts';
import { createScreeningActivities } from '#activities/payments/withdrawal-screening.ts';
import { createRiskActivities } from '#activities/risk/assess-withdrawal.ts';
import { taskQueues, type TaskQueue } from '#domain/task-queues.ts';

export type QueuePlan = {
  readonly activities: object;
  readonly activitiesMax: number;
  /** Zero where no workflow lives: such a worker loads no workflow code and starts no thread for it. */
  readonly workflowTasksMax: number;
};

/** Builds the plan of every queue; a process starts the queues it is told to. */
export function planQueues(deps: ActivityDeps): Record<TaskQueue, QueuePlan> {
  const rounds = createRoundActivities(deps);
  return {
    [taskQueues.money]: {
      activities: {
        ...createAwardActivities(deps),
        ...createRiskActivities(deps),
        ...createDepositActivities(deps),
        ...createDepositAttemptActivities(deps),
        ...createWithdrawalCheckActivities(deps),
        ...createWithdrawalActivities(deps),
        ...createRefundActivities(deps),
        ...createSecondChargeActivities(deps),
        ...createUnauthenticatedChargeActivities(deps),
        ...createModificationActivities(deps),
      },
      activitiesMax: 32,
      workflowTasksMax: 40,
    },
    [taskQueues.play]: {
      activities: { ...rounds, ...createMarketActivities(deps), ...createBetActivities(deps) },
      activitiesMax: 16,
      workflowTasksMax: 20,
    },
    [taskQueues.provider]: {
      activities: {
        ...rounds,
        ...createFreeRoundsActivities(deps),
        ...createKycVendorActivities(deps),
        ...createScreeningActivities(deps),
        ...createDepositAttemptActivities(deps),
        ...createPayoutActivities(deps),
        ...createPayoutReturnActivities(deps),
        ...createRefundCallActivities(deps),
        ...createModificationCallActivities(deps),
        ...createHoldActivities(deps),
        ...createDisputeActivities(deps),
        ...createFraudAlertActivities(deps),
        ...createReconciliationActivities(deps),
        ...createPayoutBatchActivities(deps),
        ...createBankReportActivities(deps),
        ...createCryptoDepositActivities(deps),
        ...createHotWalletActivities(deps),
        ...createCollectActivities(deps),
      },
      activitiesMax: 32,
      workflowTasksMax: 0,
    },
    [taskQueues.player]: {
      activities: {
        ...createRegistrationActivities(deps),
        ...createVerificationActivities(deps),
        ...createLimitChangeActivities(deps),
        ...createExclusionActivities(deps),
      },
      activitiesMax: 16,
      workflowTasksMax: 20,
    },
    [taskQueues.batch]: {
      activities: { ...createMessageActivities(deps), ...createCatalogueImportActivities(deps) },
      activitiesMax: 8,
      workflowTasksMax: 10,
    },
  };
}
