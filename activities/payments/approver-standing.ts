/** Whether somebody may decide on a payment: not on his own money, and not on a withdrawal after a hand of his in it. */
import type { Trx } from '#db/connect.ts';
import { normaliseEmail } from '#domain/pam/sessions.ts';
import type { ActivityDeps } from '../deps.ts';
import type { WithdrawalRow } from './payment-rows.ts';

type BlindIndex = Pick<ActivityDeps['keyRing'], 'blindIndex'>;

/**
 * The operator's address is the player's. Staff and players are two registers, so an address is what they share, and
 * both are proven (staff sign in with theirs, a player is active only once his is verified).
 */
export async function isOwnMoney(
  trx: Trx,
  keyRing: BlindIndex,
  { playerId }: { readonly playerId: string },
  operatorId: string,
): Promise<boolean> {
  const [operator, player] = await Promise.all([
    trx.selectFrom('backoffice.operator').select('email').where('id', '=', operatorId).executeTakeFirst(),
    trx.selectFrom('pam.player').select('emailIndex').where('id', '=', playerId).executeTakeFirst(),
  ]);
  return (
    operator !== undefined &&
    player?.emailIndex?.equals(keyRing.blindIndex(normaliseEmail(operator.email))) === true
  );
}

/**
 * `own`: as above. `hand`: the operator proposed or decided about the held money of this withdrawal, or cleared its match
 * with a list: whoever opened the way of the money does not also allow it.
 */
export async function standingOf(
  trx: Trx,
  keyRing: BlindIndex,
  row: Pick<WithdrawalRow, 'id' | 'playerId'>,
  operatorId: string,
): Promise<'own' | 'hand' | null> {
  if (await isOwnMoney(trx, keyRing, row, operatorId)) return 'own';
  const proposal = await trx
    .selectFrom('payments.heldMoneyProposal')
    .select('id')
    .where('withdrawalId', '=', row.id)
    .where((where) => where.or([where('proposedBy', '=', operatorId), where('decidedBy', '=', operatorId)]))
    .executeTakeFirst();
  const screening = await trx
    .selectFrom('kyc.screening')
    .select('id')
    .where('subject', '=', `withdrawal:${row.id}`)
    .where('decidedBy', '=', operatorId)
    .executeTakeFirst();
  return proposal === undefined && screening === undefined ? null : 'hand';
}
