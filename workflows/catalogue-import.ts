/** A provider's catalogue is read: asked for until it is there or two hours are over, then taken over in one transaction. */
import { ActivityFailure, proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { createCatalogueImportActivities } from '#activities/games/catalogue-import.ts';
import { taskQueues } from '#domain/task-queues.ts';
import type { CatalogueImportInput, CatalogueImportStage } from './catalogue-import.contract.ts';
import { insist } from './insist.ts';
import { database, providerRead } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

type Activities = ReturnType<typeof createCatalogueImportActivities>;
const { importCatalogue } = proxyActivities<Activities>({ ...providerRead, taskQueue: taskQueues.batch });
const { giveUpImport } = proxyActivities<Activities>({ ...database, taskQueue: taskQueues.batch });

export async function catalogueImport({ importId }: CatalogueImportInput): Promise<CatalogueImportStage> {
  const { outcome } = await importCatalogue({ importId }).catch((error: unknown) => {
    if (!(error instanceof ActivityFailure)) throw error;
    return insist(() => giveUpImport({ importId }));
  });
  upsertSearchAttributes([{ key: stageKey, value: outcome }]);
  return outcome;
}
