/** Task queues are cut by how work behaves, not by module, so that a flood of messages never delays a payout. */
export const taskQueues = {
  /** Payments and ledger flows. */
  money: 'money',
  /** Round and market settlement. */
  play: 'play',
  /** Calls to outside parties, rate-limited. */
  provider: 'provider',
  /** Long-lived: KYC, limits, bonus. */
  player: 'player',
  /** Reports, reconciliation, messages. */
  batch: 'batch',
} as const;

export type TaskQueue = (typeof taskQueues)[keyof typeof taskQueues];
