/** /tokens for the player's browser, and what becomes of a token: it is charged once and leaves a source that stays. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import type { CardRow } from '../tables.ts';
import { tokenBody } from './checkout-bodies.schema.ts';
import { checkoutId } from './checkout-ids.ts';
import { answerWrite } from './checkout-requests.ts';

const tables = `create table if not exists spent_token (token text primary key, source text not null)`;

const schemeOf = (card: CardRow): string => card.brand.charAt(0).toUpperCase() + card.brand.slice(1);

export const sourceObject = (card: CardRow) => ({
  id: card.id,
  type: 'card',
  scheme: schemeOf(card),
  last4: card.last4,
  bin: card.bin,
  expiry_month: card.exp_month,
  expiry_year: card.exp_year,
  fingerprint: card.fingerprint,
});

/** The stored card that a request names; a token is exchanged for its source, and only once. */
export function takeSource(
  psp: Psp,
  source: { type: 'token'; token: string } | { type: 'id'; id: string },
): CardRow {
  const given = source.type === 'token' ? source.token : source.id;
  const card = psp.vault.find(given);
  if (card === undefined || given.startsWith('tok_') !== (source.type === 'token'))
    throw new Refusal(
      'not_found',
      `No such source: ${given}`,
      source.type === 'token' ? 'token' : 'source_id',
    );
  if (source.type === 'id') return card;
  if (psp.store.one('select 1 from spent_token where token = ?', given) !== undefined)
    throw new Refusal('already_processed', 'The token has been used.', 'token');
  const id = checkoutId('src');
  psp.store.run(
    `insert into card select ?, brand, last4, bin, exp_month, exp_year, fingerprint, behaviour, shopper, ? from card where id = ?`,
    id,
    Date.now(),
    given,
  );
  psp.store.run('insert into spent_token (token, source) values (?, ?)', given, id);
  return { ...card, id };
}

export function serveCheckoutTokens(app: PartyApp, psp: Psp): void {
  psp.store.run(tables);
  app.post('/tokens', (c) =>
    answerWrite(c, psp, {
      schema: tokenBody,
      work(body) {
        const card = psp.vault.store({
          id: checkoutId('tok'),
          number: body.number,
          expMonth: body.expiry_month,
          expYear: body.expiry_year,
          shopper: null,
        });
        const { id: token, ...shown } = sourceObject(card);
        const expiresOn = new Date(card.created_at_ms + 15 * 60_000).toISOString();
        return { answer: { status: 201, body: { ...shown, type: 'card', token, expires_on: expiresOn } } };
      },
    }),
  );
}
