/** Has the round's workflow carry out a void that two people agreed on. */
import { settleRoundVoid } from '#activities/games/commands/round-voids.ts';
import type { RoundVoidRow } from '#activities/games/round-voids.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { roundWorkflowId } from '#workflows/round.contract.ts';
import type { ApiDeps } from '../context.ts';
import { sendResolution } from './send-resolution.ts';

/**
 * The approval is kept before the workflow is told, and told under the proposal's id: who repeats it after a lost answer,
 * or the sweep, carries it on, and the stakes go back once.
 */
export async function carryOutVoid(
  deps: Pick<ApiDeps, 'db' | 'temporal'>,
  row: RoundVoidRow,
): Promise<RoundVoidRow> {
  const { id: proposalId, decidedBy } = row;
  const decision = { operatorId: decidedBy ?? '', outcome: 'void', proposalId } as const;
  try {
    await sendResolution(deps, roundWorkflowId(row), proposalId, decision);
  } catch (error) {
    // It does not wait for a person, or has ended: what became of the round is in its row.
    if (!(error instanceof FailureError) || error.failure.code !== 'already-decided') throw error;
  }
  const now = await deps.db.transaction().execute((trx) => settleRoundVoid(trx, proposalId));
  if (now.state === 'approved')
    throw new FailureError(
      fail(
        'round-void-not-open',
        'It is approved, but the round does not wait for a person right now: repeat the decision once it does.',
      ).failure,
    );
  return now;
}
