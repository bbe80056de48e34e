/** The life of one award: it waits until the stakes are made or the time is over, then converts or forfeits it. */
import {
  condition,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createAwardActivities } from '#activities/bonus/awards.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  awardForfeited,
  awardWagered,
  getBonusAward,
  type BonusAwardInput,
  type BonusAwardStage,
} from './bonus-award.contract.ts';
import { insist } from './insist.ts';
import { database } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { readAward, convertAward, forfeitAward } = proxyActivities<ReturnType<typeof createAwardActivities>>({
  ...database,
  taskQueue: taskQueues.money,
});

// An award lives for weeks, longer than any build of the workers.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, bonusAward);
export async function bonusAward(input: BonusAwardInput): Promise<BonusAwardStage> {
  const { awardId } = input;
  let stage: BonusAwardStage = 'wagering';
  let poked = false;
  let givenUp: string | null = null;

  setHandler(getBonusAward, () => stage);
  setHandler(awardWagered, () => {
    poked = true;
  });
  setHandler(awardForfeited, ({ reason }) => {
    givenUp = reason;
    poked = true;
  });

  while (stage === 'wagering') {
    const standing = await insist(() => readAward({ awardId }));
    if (standing.state !== 'active') stage = standing.state;
    else if (standing.wagered) stage = moved(await insist(() => convertAward({ awardId })));
    else if (givenUp !== null) stage = await forfeit(givenUp);
    else if (standing.remainingMs <= 0) stage = await forfeit('expired');
    else {
      poked = false;
      await condition(() => poked, standing.remainingMs);
    }
  }
  upsertSearchAttributes([{ key: stageKey, value: stage }]);
  return stage;

  async function forfeit(reason: string): Promise<BonusAwardStage> {
    return moved(await insist(() => forfeitAward({ awardId, reason })));
  }
}

const moved = (state: 'active' | 'converted' | 'forfeited'): BonusAwardStage =>
  state === 'active' ? 'wagering' : state;
