/** What `/user/info` may tell a provider: no name, no address, no birth date. */
import type { Database } from '#db/connect.ts';

const idForm = /^[0-9a-f-]{36}$/;

/** Country, jurisdiction and dates of a player of the brand that the provider works for; null for anybody else. */
export async function readPlayerInfo(
  db: Database,
  brand: string,
  playerId: string,
): Promise<Record<string, string> | null> {
  if (!idForm.test(playerId)) return null;
  const player = await db
    .selectFrom('pam.player')
    .select(['country', 'jurisdiction', 'brand', 'registeredAt'])
    .where('id', '=', playerId)
    .where('brand', '=', brand)
    .executeTakeFirst();
  if (!player) return null;
  return {
    country: player.country,
    jurisdiction: player.jurisdiction,
    sub_partner_id: player.brand,
    registration_date: player.registeredAt.toISOString().slice(0, 10),
  };
}
