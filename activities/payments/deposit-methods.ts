/** The methods of a player as the domain computes them, for the player's cashier and for the staff who are asked about it. */
import { sql } from 'kysely';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { Database } from '#db/connect.ts';
import { viewMethod, type MethodOffer, type MethodView } from '#domain/payments/deposit-methods.ts';
import { chainOf, readDelayMaxMs } from '#domain/payments/crypto/chains.ts';
import { depositTerms } from '#domain/payments/crypto/deposit-policy.ts';
import { judgeLists } from '#domain/payments/lists.ts';
import type { CryptoOffer } from './commands/crypto-addresses.ts';
import { readPayer } from './payer-facts.ts';
import { currentPaymentRules } from './payment-limits.ts';
import { pspHealth } from './psp-health.ts';
import { currentRoute } from './routes.ts';

export type MethodQuestion = {
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  /** True where a bank is configured. */
  readonly hasBank: boolean;
  /** Where a chain is configured. */
  readonly crypto?: Pick<CryptoOffer, 'chain' | 'tokens'>;
};

/** One entry per method and wallet of the player, those that are missing included. */
export async function readDepositMethods(db: Database, question: MethodQuestion): Promise<MethodView[]> {
  const { playerId, brand, jurisdiction, hasBank, crypto } = question;
  const [wallets, player, kycLevel, rules, health] = await Promise.all([
    db
      .selectFrom('wallet.playerWallet')
      .select('asset')
      .where('playerId', '=', playerId)
      .orderBy('asset')
      .execute(),
    db.selectFrom('pam.player').select('country').where('id', '=', playerId).executeTakeFirst(),
    readKycLevel(db, playerId),
    currentPaymentRules(db, brand),
    pspHealth(db),
  ]);
  const routes = await Promise.all(
    wallets.flatMap(({ asset }) =>
      (['card', 'e-wallet'] as const).map((method) => currentRoute(db, brand, method, asset)),
    ),
  );
  const offers: MethodOffer[] = routes.flatMap((route) =>
    route === null ? [] : [{ method: route.method, asset: route.currency, psps: route.psps }],
  );
  if (hasBank && wallets.some(({ asset }) => asset === 'EUR'))
    offers.push({ method: 'bank-transfer', asset: 'EUR', psps: [] });
  if (crypto !== undefined) offers.push(...(await cryptoOffers(db, crypto)));
  const payer = { jurisdiction, country: player?.country ?? null, kycLevel };
  const views = offers.map((offer) => viewMethod(offer, payer, rules, health));
  return crypto === undefined ? views : hideListed(db, playerId, views);
}

/** The coin of the chain and its listed tokens, whether or not the player holds a wallet: asking for the address opens it. */
async function cryptoOffers(
  db: Database,
  { chain, tokens }: Pick<CryptoOffer, 'chain' | 'tokens'>,
): Promise<MethodOffer[]> {
  const { coin } = chainOf(chain);
  const cursor = await db
    .selectFrom('payments.chainCursor')
    .select(sql<number>`(extract(epoch from now() - moved_at) * 1000)::float8`.as('ageMs'))
    .where('chain', '=', chain)
    .executeTakeFirst();
  const isRead = cursor !== undefined && cursor.ageMs <= readDelayMaxMs(chainOf(chain));
  const taken = [{ asset: coin, contract: null }, ...tokens];
  return taken.flatMap(({ asset, contract }) => {
    const terms = depositTerms(asset);
    if (!terms.ok) return [];
    const state = isRead ? 'available' : 'delayed';
    return [
      {
        method: 'crypto',
        asset,
        psps: [],
        chain: { network: chain, contract, terms: terms.value, state },
      } satisfies MethodOffer,
    ];
  });
}

/** An address is refused to who is on a black list, so it is not offered either. */
async function hideListed(db: Database, playerId: string, views: MethodView[]): Promise<MethodView[]> {
  const facts = await readPayer(db, { playerId, sessionId: null, ip: null, tokens: [] });
  const { refusal } = judgeLists(facts?.listed ?? []);
  if (refusal === null) return views;
  return views.map((view) =>
    view.method === 'crypto' && view.missing === null
      ? { ...view, missing: { reason: 'closed', by: refusal.by } }
      : view,
  );
}
