/** The public face of the `cryptoDeposit` workflow: one transfer on a chain to an address of a player. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { assetKey, brandKey, playerIdKey, stageKey } from './search-attributes.ts';

export type CryptoDepositInput = {
  readonly cryptoDepositId: string;
  readonly chain: string;
  readonly txHash: string;
  /** -1 for the chain's own coin. */
  readonly logIndex: number;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
};

export const cryptoDepositWorkflowId = (input: Pick<CryptoDepositInput, 'chain' | 'txHash' | 'logIndex'>) =>
  `crypto-deposit:${input.chain}:${input.txHash}:${input.logIndex}` as const;

/** A block that holds it came or went; the chain is asked, nothing is taken from the notice. */
export const chainMoved = defineSignal('chainMoved');

/** A run ends at the final depth, and a reorganisation after it begins another: money is unique in the database. */
export const cryptoDepositStart = (input: CryptoDepositInput) => ({
  workflowId: cryptoDepositWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [CryptoDepositInput],
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: assetKey, value: input.asset },
    { key: stageKey, value: 'seen' },
  ],
});
