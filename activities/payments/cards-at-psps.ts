/** Which card each PSP would be given, where the tokens of one deposit are of several: rules must not take one for another. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import type { PayerFacts } from './payer-facts.ts';
import type { CardsAt } from './route-deposit.ts';

/** Null, without a question, while the player's tokens are not known to be of more than one card. */
export async function cardsAtPsps(
  trx: Trx,
  playerId: string,
  tokens: readonly { readonly psp: string; readonly token: string }[],
  cards: PayerFacts['cards'],
): Promise<CardsAt | null> {
  if (cards.length < 2) return null;
  const { rows } = await sql<{ psp: string; cardId: string; brand: string | null }>`
    select t.psp, t.card_id, (select i.card_brand from payments.instrument i
      where i.player_id = t.player_id and i.token = t.token order by i.created_at desc limit 1) as brand
    from payments.card_token t
    join unnest(${tokens.map(({ psp }) => psp)}::text[], ${tokens.map(({ token }) => token)}::text[]) as g(psp, token)
      on g.psp = t.psp and g.token = t.token
    where t.player_id = ${playerId}`.execute(trx);
  return new Map(
    rows.map(({ psp, cardId, brand }) => [
      psp,
      { card: cards.find(({ id }) => id === cardId) ?? null, brand },
    ]),
  );
}
