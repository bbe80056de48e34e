/** Where a player's money may go: each of his instruments with what it gets back first, and whether it takes the rest. */
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { Database } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import type { Units } from '#domain/money.ts';
import { amountRange, methodGap, rulesFor, type AmountRange } from '#domain/payments/payment-rules.ts';
import { currentPaymentRules } from './payment-limits.ts';
import type { InstrumentRow } from './payment-rows.ts';
import { readSources } from './payout-sources.ts';
import { methodOfInstrument } from './withdrawal-limits.ts';

export type WithdrawalMethod = {
  readonly instrument: InstrumentRow;
  readonly asset: string;
  /** What it has paid in and has not got back: it comes here first, whatever the player names. */
  readonly returnable: Units;
  /** False for a wallet: its money goes back by the charges that it paid in by, and no more than they brought. */
  readonly takesRest: boolean;
  readonly range: AmountRange;
};

/** Newest first; without those that a rule closes to the player, or that could take nothing now. */
export async function readWithdrawalMethods(
  db: Database,
  player: { readonly playerId: string; readonly brand: string; readonly jurisdiction: string },
): Promise<WithdrawalMethod[]> {
  const { playerId, brand, jurisdiction } = player;
  const [wallets, instruments, row, kycLevel, rules] = await Promise.all([
    db
      .selectFrom('wallet.playerWallet')
      .select('asset')
      .where('playerId', '=', playerId)
      .orderBy('asset')
      .execute(),
    db
      .selectFrom('payments.instrument')
      .selectAll()
      .where('playerId', '=', playerId)
      .orderBy('createdAt', 'desc')
      .orderBy('id')
      .limit(50)
      .execute(),
    db.selectFrom('pam.player').select('country').where('id', '=', playerId).executeTakeFirst(),
    readKycLevel(db, playerId),
    currentPaymentRules(db, brand),
  ]);
  const methods: WithdrawalMethod[] = [];
  for (const { asset } of wallets) {
    const sources = await readSources(db, { playerId, asset, named: nobody, except: null });
    for (const instrument of instruments.filter((one) => carries(one, asset))) {
      const scope = { flow: 'withdrawal', jurisdiction, country: row?.country ?? null, asset } as const;
      const own = rulesFor(rules, { ...scope, method: methodOfInstrument(instrument.kind) });
      if (methodGap(own, kycLevel) !== null) continue;
      const returnable = sources
        .filter(({ instrumentId, isPayable }) => instrumentId === instrument.id && isPayable)
        .reduce((sum, { net }) => (net > 0n ? sum + net : sum), 0n);
      const takesRest = instrument.kind !== 'e-wallet';
      if (!takesRest && returnable === 0n) continue;
      methods.push({ instrument, asset, returnable, takesRest, range: amountRange(own) });
    }
  }
  return methods;
}

/** No instrument is named yet. */
const nobody = '00000000-0000-0000-0000-000000000000';

function carries({ kind, expiryYear, expiryMonth }: InstrumentRow, asset: string): boolean {
  const isFiat = assets.get(asset)?.kind === 'fiat';
  if (kind === 'crypto-address') return !isFiat;
  if (kind === 'bank-account') return asset === 'EUR';
  if (kind === 'card' && expiryYear !== null && expiryMonth !== null) {
    const now = new Date();
    return isFiat && new Date(Date.UTC(expiryYear, expiryMonth, 1)) > now;
  }
  return isFiat;
}
