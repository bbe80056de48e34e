/** A player that exists, of a brand that the operator may see. */
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { requireBrand } from './backoffice-guard.ts';
import type { OperatorIdentity } from './context.ts';

export async function mustSeePlayer(
  db: Database,
  operator: OperatorIdentity,
  playerId: string,
): Promise<void> {
  const player = await db
    .selectFrom('pam.player')
    .select('brand')
    .where('id', '=', playerId)
    .executeTakeFirst();
  if (player === undefined) throw new FailureError(fail('not-found', 'There is no such player.').failure);
  requireBrand(operator, player.brand);
}
