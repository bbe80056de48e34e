/** A fraud report from its first notice until it is refunded, disputed or dismissed; people decide, this is its clock. */
import {
  condition,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createFraudAlertActivities } from '#activities/payments/fraud-alerts.ts';
import { pollPauseMs } from '#domain/payments/budgets.ts';
import type { FraudAlertState } from '#domain/payments/fraud-alert.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  fraudAlertNotified,
  getFraudAlert,
  type FraudAlertInput,
  type FraudAlertView,
} from './fraud-alert.contract.ts';
import { insist } from './insist.ts';
import { provider } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { followFraudAlert } = proxyActivities<ReturnType<typeof createFraudAlertActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

/** A question a day finds what was lost; until the PSP has answered once it is asked more often. */
const pollMs = 24 * 3_600_000;
const untoldPauseMsMax = 3_600_000;

setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, fraudAlert);

export async function fraudAlert({ alertId }: FraudAlertInput): Promise<FraudAlertView> {
  let state: FraudAlertState = 'open';
  let isPoked = false;
  const view = (): FraudAlertView => ({ alertId, state });

  setHandler(getFraudAlert, view);
  setHandler(fraudAlertNotified, () => {
    isPoked = true;
  });

  for (let untold = 0; ; untold += 1) {
    isPoked = false;
    const standing = await insist(() => followFraudAlert({ alertId }));
    state = standing.state;
    upsertSearchAttributes([{ key: stageKey, value: state }]);
    if (standing.isOver) return view();
    const pauseMs = standing.isTold ? pollMs : pollPauseMs(untold, untoldPauseMsMax);
    await condition(() => isPoked, Math.min(pauseMs, Math.max(1_000, standing.remainingMs ?? pauseMs)));
  }
}
