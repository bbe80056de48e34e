/** A transfer on a chain: waits until it lies deep enough, credits it once, and stays until no reorganisation can reach it. */
import { condition, proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { createCryptoDepositActivities } from '#activities/payments/evm/crypto-deposits.ts';
import type { CryptoDepositState } from '#domain/payments/crypto/deposit-state.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { chainMoved, type CryptoDepositInput } from './crypto-deposit.contract.ts';
import { insist } from './insist.ts';
import { provider } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { followCryptoDeposit } = proxyActivities<ReturnType<typeof createCryptoDepositActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

/** Nobody pokes a transfer that no block holds: the pauses grow to an hour. */
const quietPauseMsMax = 3_600_000;

export async function cryptoDeposit({ cryptoDepositId }: CryptoDepositInput): Promise<CryptoDepositState> {
  let isPoked = false;
  let shown: CryptoDepositState = 'seen';
  let quietRounds = 0;
  setHandler(chainMoved, () => {
    isPoked = true;
  });
  for (;;) {
    isPoked = false;
    const { state, pauseMs, isOver } = await insist(() => followCryptoDeposit({ cryptoDepositId }));
    quietRounds = state === shown ? quietRounds + 1 : 0;
    if (state !== shown) upsertSearchAttributes([{ key: stageKey, value: state }]);
    shown = state;
    if (isOver && !isPoked) return state;
    const growth = Math.max(1, quietRounds - 20);
    await condition(() => isPoked, Math.max(pauseMs, Math.min(pauseMs * growth, quietPauseMsMax)));
  }
}
