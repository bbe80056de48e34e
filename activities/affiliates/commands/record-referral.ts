/** Attributes a new account to the affiliate whose code it came with, once and for ever. */
import type { Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';

/** Writes the referral in the registration's own transaction; an unknown or disabled code attributes nothing. */
export async function recordReferral(
  trx: Trx,
  player: { readonly id: string; readonly brand: string; readonly affiliateCode: string | null },
): Promise<void> {
  if (player.affiliateCode === null) return;
  const affiliate = await trx
    .selectFrom('affiliates.affiliate')
    .select('id')
    .where('code', '=', player.affiliateCode)
    .where('brand', '=', player.brand)
    .where('enabled', '=', true)
    .executeTakeFirst();
  if (!affiliate) return;
  await trx
    .insertInto('affiliates.referral')
    .values({ playerId: player.id, affiliateId: affiliate.id, brand: player.brand })
    .execute();
  await appendEvent(
    trx,
    {
      type: 'affiliates.referral.recorded',
      version: 1,
      brand: player.brand,
      playerId: player.id,
      payload: { affiliateId: affiliate.id, playerId: player.id },
    },
    { actor: { kind: 'player', id: player.id }, subject: `affiliate:${affiliate.id}` },
  );
}
