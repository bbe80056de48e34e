/** A person's word about a match with a list, and the end of the work item that asked for it. */
import { sql } from 'kysely';
import { decideScreening, type ScreeningRow } from '#activities/kyc/commands/screenings.ts';
import type { Trx } from '#db/connect.ts';
import type { Result } from '#domain/failures.ts';

/** Failures: those of `decideScreening`. */
export async function decideMatch(
  trx: Trx,
  id: string,
  decision: {
    readonly state: 'cleared' | 'confirmed';
    readonly operatorId: string;
    readonly reason: string;
  },
): Promise<Result<ScreeningRow>> {
  const decided = await decideScreening(trx, id, decision);
  if (!decided.ok) return decided;
  // Whoever owns it: the decision was its only way to an end.
  await trx
    .updateTable('payments.workItem')
    .set({ closedAt: sql<Date>`now()`, resolution: decision.state })
    .where('subject', '=', decided.value.subject)
    .where('kind', '=', 'screening-hit')
    .where('closedAt', 'is', null)
    .execute();
  return decided;
}
