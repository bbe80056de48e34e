/** The public face of the `catalogueImport` workflow: one reading of one provider's catalogue. */
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, stageKey } from './search-attributes.ts';

export type CatalogueImportInput = { readonly importId: string; readonly brand: string };

export type CatalogueImportStage = 'done' | 'refused' | 'failed';

export const catalogueImportWorkflowId = (importId: string) => `catalogue-import:${importId}` as const;

/** Start options by contract: one workflow per row, for ever. */
export const catalogueImportStart = (input: CatalogueImportInput) => ({
  workflowId: catalogueImportWorkflowId(input.importId),
  taskQueue: taskQueues.batch,
  args: [input] as [CatalogueImportInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: brandKey, value: input.brand },
    { key: stageKey, value: 'asking-provider' },
  ],
});
