/** Tells a round's workflow what staff decided, and finds its answer also where it has ended meanwhile. */
import { fail, FailureError } from '#domain/failures.ts';
import { resolveRound, type RoundResolution, type RoundView } from '#workflows/round.contract.ts';
import type { ApiDeps } from '../context.ts';
import { failureBehind, isWorkflowOver } from '../workflow-failures.ts';

/** Under one id the workflow decides once; one that has ended meanwhile still tells what it answered to that id. */
export async function sendResolution(
  deps: Pick<ApiDeps, 'temporal'>,
  workflowId: string,
  updateId: string,
  decision: RoundResolution,
): Promise<RoundView> {
  const client = await deps.temporal();
  const handle = client.workflow.getHandle(workflowId);
  try {
    return await handle.executeUpdate(resolveRound, { updateId, args: [decision] });
  } catch (error) {
    if (!isWorkflowOver(error)) throw failureBehind(error) ?? error;
  }
  try {
    return await handle.getUpdateHandle<RoundView>(updateId).result();
  } catch (error) {
    if (!isWorkflowOver(error)) throw failureBehind(error) ?? error;
    throw new FailureError(fail('already-decided', 'The round does not wait for a person.').failure);
  }
}
