/** The kinds of work items, and how each may be closed, and by whom: a list, because closing one may hide money. */

/** What each means and what a person does is told in `docs/modules/payments.md`. */
export const workItemKinds = [
  'parked-deposit',
  'parked-withdrawal',
  'amount-mismatch',
  'late-approval',
  'unmatched-notice',
  'parked-refund',
  'parked-modification',
  'dispute-evidence-due',
  'dispute-unbooked',
  'reconciliation-break',
  'unmatched-transfer',
  'returned-payout',
  'stuck-payout-file',
  'unreadable-report',
  'unreadable-settlement',
  'listed-deposit',
  'unreadable-rules',
  'parked-crypto-deposit',
  'orphaned-credit',
  'hot-wallet-level',
  'stuck-chain-transfer',
  'screening-hit',
  'screening-unavailable',
  'listed-ramp',
  'late-win',
  'missing-result',
  'free-rounds-not-taken-back',
  'fraud-alert',
  'unwritable-payout',
] as const;
export type WorkItemKind = (typeof workItemKinds)[number];

/** What closes an item beside a person's reason. */
export const proofKinds = [
  'journal',
  'correction',
  'refund',
  'bank-line',
  'void',
  'bank-entry',
  'break',
  'return',
] as const;
export type WorkItemProofKind = (typeof proofKinds)[number];

/**
 * What takes money out of suspense: a correction that gave it to its player, the movement at the bank that took it back,
 * the journal of the payment that it turned out to be, the break of a PSP's payout that came with another amount, or its return
 * to the sender, once the bank has booked it. Anything else shows where money is and not that this money went there.
 */
export const suspenseProofKinds = ['correction', 'bank-entry', 'journal', 'break', 'return'] as const;
export type SuspenseProofKind = (typeof suspenseProofKinds)[number];

export type ClosingRule = {
  /**
   * `own-action`: another route closes it, and no person can. `ended`: what it is about must have come to its end.
   * `proof`: something that is looked up must show where the money is. `reason`: the person's word is enough.
   */
  readonly by: 'own-action' | 'ended' | 'proof' | 'reason';
  /** Whether money may hang on it, so that only who may decide closes it. */
  readonly isMoney: boolean;
};

const rules: Readonly<Record<WorkItemKind, ClosingRule>> = {
  // Closes with its break, whose proof is another one.
  'reconciliation-break': { by: 'own-action', isMoney: true },
  'parked-deposit': { by: 'ended', isMoney: true },
  'parked-withdrawal': { by: 'ended', isMoney: true },
  'parked-refund': { by: 'ended', isMoney: true },
  // The capture or the void is the decision, with its own second person; without one the authorisation runs out.
  'listed-deposit': { by: 'ended', isMoney: true },
  'amount-mismatch': { by: 'proof', isMoney: true },
  'late-approval': { by: 'proof', isMoney: true },
  'dispute-unbooked': { by: 'proof', isMoney: true },
  'unmatched-transfer': { by: 'proof', isMoney: true },
  'unmatched-notice': { by: 'reason', isMoney: true },
  'returned-payout': { by: 'reason', isMoney: false },
  'dispute-evidence-due': { by: 'reason', isMoney: false },
  'stuck-payout-file': { by: 'reason', isMoney: true },
  // Closing it gives the payout up: its money goes another way, or back to the player.
  'unwritable-payout': { by: 'reason', isMoney: true },
  'unreadable-report': { by: 'reason', isMoney: true },
  // Closes with a file of the day that can be read: until then nothing of the day was compared.
  'unreadable-settlement': { by: 'own-action', isMoney: true },
  // Closes with the decision about its screening.
  'screening-hit': { by: 'own-action', isMoney: true },
  'screening-unavailable': { by: 'own-action', isMoney: true },
  // The exchange is done and balanced; what a person does about the player is elsewhere.
  'listed-ramp': { by: 'reason', isMoney: false },
  // Paid by a correction under four eyes, or not at all: the reason says which.
  'late-win': { by: 'reason', isMoney: true },
  // Closes with the market's result, which a person may have to ask the feed for; open bets wait until then.
  'missing-result': { by: 'own-action', isMoney: true },
  // What the player could win with them is small; that an excluded player is invited to play is not.
  'free-rounds-not-taken-back': { by: 'reason', isMoney: false },
  // Closes with the report: by its refund, its dismissal or its chargeback.
  'fraud-alert': { by: 'own-action', isMoney: true },
  'unreadable-rules': { by: 'reason', isMoney: false },
  // Close with what they are about; by hand only where something is named that shows where the money is.
  'parked-modification': { by: 'proof', isMoney: true },
  'parked-crypto-deposit': { by: 'proof', isMoney: true },
  'orphaned-credit': { by: 'proof', isMoney: true },
  'hot-wallet-level': { by: 'proof', isMoney: true },
  'stuck-chain-transfer': { by: 'proof', isMoney: true },
};
const ruleOf: ReadonlyMap<string, ClosingRule> = new Map(Object.entries(rules));

/** One of a kind that this build does not know is closed like the gravest. */
export const closingRuleOf = (kind: string): ClosingRule =>
  ruleOf.get(kind) ?? { by: 'proof', isMoney: true };
