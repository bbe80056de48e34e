/** The methods of a player as the domain computes them, for the player's cashier and for the staff who are asked about it. */
import { sql } from 'kysely';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { Database } from '#db/connect.ts';
import { viewMethod, type MethodOffer, type MethodView } from '#domain/payments/deposit-methods.ts';
import { chainOf, readDelayMaxMs } from '#domain/payments/crypto/chains.ts';
import { depositTerms } from '#domain/payments/crypto/deposit-policy.ts';
import { judgeLists } from '#domain/payments/lists.ts';
import type { CryptoOffer } from './commands/crypto-addresses.ts';
import { judgeEligibility } from './decide-eligibility.ts';
import { limitFacts } from './payment-facts.ts';
import { readPayer, type PayerFacts } from './payer-facts.ts';
import { currentPaymentRules } from './payment-limits.ts';
import { pspHealth } from './psp-health.ts';
import { currentRoute } from './routes.ts';
import { currentDepositRules } from './routing-rules.ts';

export type MethodQuestion = {
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  /** True where a bank is configured. */
  readonly hasBank: boolean;
  /** Who is signed in and from where; left out where staff ask. */
  readonly origin?: { readonly sessionId: string | null; readonly ip: string | null };
  /** Where a chain is configured. */
  readonly crypto?: Pick<CryptoOffer, 'chain' | 'tokens'>;
};

/** One entry per method and wallet of the player, those that are missing included. */
export async function readDepositMethods(db: Database, question: MethodQuestion): Promise<MethodView[]> {
  const { playerId, brand, jurisdiction, hasBank, crypto } = question;
  const { sessionId = null, ip = null } = question.origin ?? {};
  const [wallets, payer, kycLevel, rules, { eligibility }, health] = await Promise.all([
    db
      .selectFrom('wallet.playerWallet')
      .select('asset')
      .where('playerId', '=', playerId)
      .orderBy('asset')
      .execute(),
    readPayer(db, { playerId, sessionId, ip, tokens: [] }),
    readKycLevel(db, playerId),
    currentPaymentRules(db, brand),
    currentDepositRules(db, brand),
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
  const views = offers.map((offer) => {
    const { method, asset, psps } = offer;
    const asked = { brand, jurisdiction, method, asset, amount: null, kycLevel, age: null, ip };
    const routed = method === 'card' || method === 'e-wallet' ? { offered: psps, health } : null;
    return viewMethod(offer, { jurisdiction, country: payer?.country ?? null, kycLevel }, rules, health, {
      facts: payer === null ? null : limitFacts({ ...asked, flow: 'deposit' }, payer),
      gap: judgeEligibility(eligibility, asked, payer, routed).gap,
    });
  });
  return hideListed(payer, views);
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
function hideListed(payer: PayerFacts | null, views: MethodView[]): MethodView[] {
  const { refusal } = judgeLists(payer?.listed ?? []);
  if (refusal === null) return views;
  return views.map((view) =>
    view.method === 'crypto' && view.missing === null
      ? { ...view, missing: { reason: 'closed', by: refusal.by } }
      : view,
  );
}
