/** The part of the reducer that concerns two wallets: one player's money in one asset given for another. */
import { assetOf } from '../money.ts';
import type { ExchangeCommand } from './commands.ts';
import { accept, journalOf, refuse, type Accepted, type JournalFacts, type Refused } from './decision.ts';
import { boughtFor } from './exchange-rate.ts';
import * as post from './postings.ts';
import type { WalletState } from './state.ts';

export type ExchangeDecision =
  | Refused
  | { readonly kind: 'repeat'; readonly journalId: string }
  /** Both sides are lines of one journal, the sold one's; each side sums to zero in its own asset. */
  | { readonly kind: 'post'; readonly sold: Accepted; readonly bought: Accepted };

/**
 * Decides an exchange on both wallets. Failures: `duplicate-transaction`, `insufficient-funds`, `unknown-asset`,
 * `invalid-request` (one asset for itself), `amount-not-positive` (the rate gives less than one unit).
 */
export function decideExchange(
  wallets: { readonly sold: WalletState; readonly bought: WalletState },
  command: ExchangeCommand,
  existing: JournalFacts | null,
): ExchangeDecision {
  if (existing) return decideRepeat(command, existing);
  if (command.asset === command.boughtAsset)
    return refuse('invalid-request', 'An asset is not given for itself.');
  const sold = assetOf(command.asset);
  if (!sold.ok) return { kind: 'refuse', failure: sold.failure };
  const bought = assetOf(command.boughtAsset);
  if (!bought.ok) return { kind: 'refuse', failure: bought.failure };

  const amount = boughtFor(command.amount, sold.value, bought.value, command.rate);
  if (command.amount <= 0n || amount <= 0n)
    return refuse('amount-not-positive', 'The amount buys less than the smallest unit.');
  if (wallets.sold.balances.cash < command.amount)
    return refuse('insufficient-funds', 'The balance does not cover the exchange.');

  const journal = (postings: readonly post.Posting[]) =>
    journalOf(command, 'fx.exchange', command.amount, postings);
  return {
    kind: 'post',
    sold: accept(wallets.sold, journal(post.exchangeSell(command.amount)), null),
    bought: accept(wallets.bought, journal(post.exchangeBuy(wallets.bought.balances, amount)), null),
  };
}

function decideRepeat(command: ExchangeCommand, existing: JournalFacts): ExchangeDecision {
  return existing.playerId === command.playerId && existing.fingerprint === command.fingerprint
    ? { kind: 'repeat', journalId: existing.id }
    : refuse('duplicate-transaction', 'This transaction id was used with other content.');
}
