/** The public face of the `cryptoSweep` workflow: one asset at one player's address on its way to the hot wallet. */
import { taskQueues } from '#domain/task-queues.ts';
import { assetKey, stageKey } from './search-attributes.ts';

export type CryptoSweepInput = { readonly chain: string; readonly address: string; readonly asset: string };

/** Per address, not per asset: its nonces go one after the other, too. */
export const cryptoSweepWorkflowId = ({ chain, address }: CryptoSweepInput) =>
  `crypto-sweep:${chain}:${address}` as const;

export const cryptoSweepStart = (input: CryptoSweepInput) => ({
  workflowId: cryptoSweepWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [CryptoSweepInput],
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: assetKey, value: input.asset },
    { key: stageKey, value: 'collecting' },
  ],
});
