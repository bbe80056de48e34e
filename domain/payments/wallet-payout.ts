/**
 * Money for a wallet goes back through the charges that it paid in by, as refunds: no PSP of ours pays a wallet otherwise
 * (decision 0058). What follows from that is here.
 */

/** PayPal takes a charge back for so long after its day; afterwards its money goes to the account that is named. */
export const walletReturnDays = 180;

/** A day is kept for the payout itself: people may have to approve it first, and it may be offered again. */
export const walletPlanDays = walletReturnDays - 1;

/** Of the wallet's account as its PSP told it (a keyed hash), or of the one deposit where it told none. */
export const walletToken = (
  wallet: string,
  told: { readonly account: string } | { readonly depositId: string },
): string => ('account' in told ? `${wallet}:${told.account}` : `${wallet}:deposit:${told.depositId}`);

/** The wallet that an instrument belongs to. */
export const walletOfToken = (token: string): string => token.split(':', 1)[0] ?? '';
