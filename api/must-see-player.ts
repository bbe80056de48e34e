/** A player that exists, of a brand that the operator may see. */
import type { Database } from '#db/connect.ts';
import { requireVisible } from './backoffice-guard.ts';
import type { OperatorIdentity } from './context.ts';

export async function mustSeePlayer(
  db: Database,
  operator: OperatorIdentity,
  playerId: string,
): Promise<void> {
  requireVisible(
    operator,
    await db.selectFrom('pam.player').select('brand').where('id', '=', playerId).executeTakeFirst(),
  );
}
