/** The account that a wallet paid from, as it is kept: a keyed hash, the same at every PSP, so that it is known again. */
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { walletToken } from '#domain/payments/wallet-payout.ts';
import type { ActivityDeps } from '../deps.ts';

/** Puts the token of a wallet's account in the place of the account that the PSP told. */
export function withWalletToken(
  keyRing: Pick<ActivityDeps['keyRing'], 'blindIndex'>,
  { token: wallet }: { readonly token: string },
  outcome: PspOutcome,
): PspOutcome {
  if (outcome.kind !== 'approved' && outcome.kind !== 'authorised') return outcome;
  const { walletAccount = null, ...rest } = outcome;
  if (walletAccount === null) return rest;
  const account = keyRing.blindIndex(`wallet\n${wallet}\n${walletAccount}`).toString('hex');
  const token = walletToken(wallet, { account });
  return {
    ...rest,
    instrument: { token, cardBrand: null, last4: null, expiryMonth: null, expiryYear: null },
  };
}
