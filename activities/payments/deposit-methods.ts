/** The methods of a player as the domain computes them, for the player's cashier and for the staff who are asked about it. */
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { Database } from '#db/connect.ts';
import { viewMethod, type MethodOffer, type MethodView } from '#domain/payments/deposit-methods.ts';
import { currentPaymentRules } from './payment-limits.ts';
import { pspHealth } from './psp-health.ts';
import { currentRoute } from './routes.ts';

export type MethodQuestion = {
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  /** True where a bank is configured. */
  readonly hasBank: boolean;
};

/** One entry per method and wallet of the player, those that are missing included. */
export async function readDepositMethods(db: Database, question: MethodQuestion): Promise<MethodView[]> {
  const { playerId, brand, jurisdiction, hasBank } = question;
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
  const payer = { jurisdiction, country: player?.country ?? null, kycLevel };
  return offers.map((offer) => viewMethod(offer, payer, rules, health));
}
