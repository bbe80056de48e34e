/** What binds money to the asset that it is in: asked of every exchange and ramp once both of its wallets are locked. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { fail, orThrow } from '#domain/failures.ts';
import { hasPendingWagering } from './commands/request-withdrawal.ts';

export type BrakedExchange = {
  readonly playerId: string;
  readonly soldAsset: string;
  readonly boughtAsset: string;
  /** Out of crypto, from where a bank or card can pay it out: an exclusion does not close it. */
  readonly isWayHome: boolean;
};

/**
 * Both wallets are locked by now, so an exclusion, a limit or an award that came in the meantime is seen here. Money that
 * is bound to wagering would leave its asset, and with it the rule that a withdrawal waits for. Throws `player-blocked`,
 * `self-excluded`, `withdrawal-pending-wagering`, `play-limit-required`.
 */
export async function refuseBraked(trx: Trx, exchange: BrakedExchange): Promise<void> {
  const { playerId, soldAsset, boughtAsset, isWayHome } = exchange;
  const { status, isBlocked } = await trx
    .selectFrom('pam.player as p')
    .innerJoin('wallet.playerWallet as w', 'w.playerId', 'p.id')
    .select('p.status')
    .select(sql<boolean>`coalesce(w.play_blocked_until > clock_timestamp(), false)`.as('isBlocked'))
    .where('p.id', '=', playerId)
    .where('w.asset', '=', soldAsset)
    .executeTakeFirstOrThrow();
  if (status === 'locked' || status === 'closed')
    orThrow(fail('player-blocked', `This account is ${status}.`));
  if (isBlocked && !isWayHome)
    orThrow(fail('self-excluded', 'Exchanges are closed while play is excluded or paused.'));
  if (await hasPendingWagering(trx, playerId, soldAsset))
    orThrow(fail('withdrawal-pending-wagering', 'An active award still has wagering left.'));
  const missing = await missingPlayLimit(trx, exchange);
  if (missing !== null)
    orThrow(fail('play-limit-required', `Set a ${missing} limit in ${boughtAsset} first.`));
}

/** Limits are kept per asset: without its counterpart a limit in the sold asset would end with the exchange. */
async function missingPlayLimit(
  trx: Trx,
  { playerId, soldAsset, boughtAsset }: BrakedExchange,
): Promise<string | null> {
  const row = await trx
    .selectFrom('responsibleGambling.limit as l')
    .select('l.kind')
    .where('l.playerId', '=', playerId)
    .where('l.asset', '=', soldAsset)
    .where('l.active', '=', true)
    .where('l.kind', 'in', ['loss', 'stake'])
    .where((on) =>
      on.not(
        on.exists(
          on
            .selectFrom('responsibleGambling.limit as o')
            .select('o.id')
            .where('o.playerId', '=', playerId)
            .where('o.asset', '=', boughtAsset)
            .where('o.active', '=', true)
            .whereRef('o.kind', '=', 'l.kind'),
        ),
      ),
    )
    .orderBy('l.kind')
    .executeTakeFirst();
  return row?.kind ?? null;
}
