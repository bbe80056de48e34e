/** Where a transfer from a chain stands, and what a look at the chain makes of it. */

export const cryptoDepositStates = [
  'seen',
  'confirming',
  'credited',
  'orphaned',
  'parked',
  'dropped',
] as const;
export type CryptoDepositState = (typeof cryptoDepositStates)[number];

export function cryptoDepositStateOf(text: string): CryptoDepositState {
  const state = cryptoDepositStates.find((known) => known === text);
  if (state === undefined) throw new Error(`Invariant broken: crypto deposit state ${text}`);
  return state;
}

/** What the chain says about the block that holds the transfer. */
export type ChainLook =
  | { readonly kind: 'in-chain'; readonly depth: number }
  /** The watcher has seen its block leave the chain, and no other block holds it. */
  | { readonly kind: 'absent' }
  /** The node contradicts what the watcher knows: it is behind, or the watcher will come to the same. */
  | { readonly kind: 'unknown' };

export type DepositStep = 'wait' | 'confirm' | 'credit' | 'unsee' | 'reverse' | 'drop' | 'done';

/** A transfer that no block holds for this long was replaced, or never valid: the next one has a key of its own. */
export const absentBudgetMs = 7 * 24 * 3_600_000;

/** Reasons to park a transfer that may pass by themselves: it is asked about again for `parkedBudgetMs` after it was seen. */
export const passingReasons: ReadonlySet<string> = new Set([
  'deposit-limit-exceeded',
  // Of the brand: a window moves on, a rule or an entry of a list ends, a player is verified.
  'payment-limit-exceeded',
  'payment-method-unavailable',
  'identity-not-verified',
  'amount-below-minimum',
  'amount-above-maximum',
]);
export const parkedBudgetMs = 31 * 24 * 3_600_000;

/**
 * The one decision about a deposit. Money is credited only from `in-chain` at the required depth; taken back only when
 * two answers say that the chain holds it no more. Parked ones that may be asked about again are decided as if they were confirming.
 */
export function stepDeposit(
  state: CryptoDepositState,
  look: ChainLook,
  facts: { readonly depthRequired: number; readonly finalDepth: number; readonly ageMs: number },
): DepositStep {
  if (look.kind === 'unknown') return 'wait';
  if (look.kind === 'absent') {
    if (state === 'credited') return 'reverse';
    if (state === 'dropped') return 'done';
    if (facts.ageMs > absentBudgetMs) return 'drop';
    return state === 'confirming' ? 'unsee' : 'wait';
  }
  if (state === 'credited') return look.depth >= facts.finalDepth ? 'done' : 'wait';
  if (look.depth >= facts.depthRequired) return 'credit';
  return state === 'parked' || state === 'confirming' ? 'wait' : 'confirm';
}
