/** What the reducer's decisions are made of, shared by the files that decide games and those that decide transfers. */
import { assert, fail, type Failure } from '../failures.ts';
import type { Units } from '../money.ts';
import type { CommandKey } from './commands.ts';
import { strayAccount } from './flows.ts';
import type { OpenedAward } from './free-play.ts';
import type { JournalDetails } from './journal-details.ts';
import { applyPostings, sumOfPostings } from './postings.ts';
import type { JournalCode, OriginalPosting, Posting } from './postings.ts';
import type { WalletState } from './state.ts';

/** A journal that exists already, as far as a decision needs to know it. */
export type JournalFacts = {
  readonly id: string;
  readonly externalId: string;
  readonly code: JournalCode;
  readonly playerId: string | null;
  readonly asset: string;
  readonly amount: Units;
  readonly fingerprint: string;
  readonly reversed: boolean;
  /** True for a stake that we gave back without the provider's word, such as one of a round that it left open. */
  readonly givenBack?: boolean;
  readonly postings: readonly OriginalPosting[];
  readonly details?: JournalDetails | null;
  /** True for a stake that took bonus money of an award that was forfeited since, and for a win that paid it to one. */
  readonly awardForfeited?: boolean;
};

export type RoundChange = {
  readonly staked: Units;
  readonly won: Units;
  readonly closes: boolean;
  readonly guardMs: number;
};

export type DecidedJournal = {
  readonly externalId: string;
  readonly code: JournalCode;
  readonly amount: Units;
  readonly postings: readonly Posting[];
  readonly fingerprint: string;
  readonly reverses: string | null;
  readonly answers: string | null;
  readonly details?: JournalDetails | null;
};

export type Decision =
  | { readonly kind: 'refuse'; readonly failure: Failure }
  /** The key was processed before with the same content: nothing moves, the caller gets the first answer. */
  | { readonly kind: 'repeat'; readonly journalId: string }
  | {
      readonly kind: 'post';
      readonly state: WalletState;
      readonly journals: readonly DecidedJournal[];
      readonly round: RoundChange | null;
      /** The award whose wagering this command completed. */
      readonly wageredAwardId: string | null;
      /** The award that free winnings opened; its row belongs into the same transaction. */
      readonly openedAward?: OpenedAward | null;
    };

export type DecisionContext = {
  /** The database's clock. */
  readonly nowMs: number;
  /** The journal that holds the command's own key, if any. */
  readonly existing: JournalFacts | null;
  /** The journal that the command refers to, if any. */
  readonly referenced: JournalFacts | null;
  /** The journal that the same network call made under another key, if any. */
  readonly calledBefore?: JournalFacts | null;
  /** What became of the referenced capture or chargeback so far; only refunds and chargebacks need it. */
  readonly claims?: Claims;
};

export type Claims = {
  /** Refunds and chargebacks of a deposit, without those that were won. */
  readonly clawedBack: Units;
  /** What captures after the first one have brought. */
  readonly broughtFurther: Units;
  /** True when a chargeback was lost or won. */
  readonly ended: boolean;
};

export type Refused = Extract<Decision, { kind: 'refuse' }>;
export type Accepted = Extract<Decision, { kind: 'post' }>;

/** The answer to an expected obstacle. */
export const refuse = (code: Failure['code'], detail: string): Refused => ({
  kind: 'refuse',
  failure: fail(code, detail).failure,
});

/** The journal that a command makes, under the command's own key. */
export function journalOf(
  command: {
    readonly key: CommandKey;
    readonly fingerprint: string;
    readonly details?: JournalDetails | null;
  },
  code: JournalCode,
  amount: Units,
  postings: readonly Posting[],
  links: { reverses?: string | null; answers?: string | null; details?: JournalDetails | null } = {},
): DecidedJournal {
  return {
    externalId: command.key.externalId,
    code,
    amount,
    postings,
    fingerprint: command.fingerprint,
    reverses: links.reverses ?? null,
    answers: links.answers ?? null,
    details: links.details ?? command.details ?? null,
  };
}

/** Turns journals into a decision; asserts that they balance, stay in their flow and leave no pool below zero. */
export function accept(
  state: WalletState,
  journal: DecidedJournal | readonly DecidedJournal[],
  round: RoundChange | null,
  wageredAwardId: string | null = null,
): Accepted {
  const journals: readonly DecidedJournal[] = Array.isArray(journal) ? journal : [journal as DecidedJournal];
  let balances = state.balances;
  for (const { code, postings } of journals) {
    assert(sumOfPostings(postings) === 0n, `the postings of ${code} sum to zero`);
    assert(strayAccount(code, postings) === null, `${code} touches only the accounts of its flow`);
    balances = applyPostings(balances, postings);
  }
  assert(balances.cash >= 0n && balances.bonus >= 0n && balances.held >= 0n, 'no pool goes below zero');
  assert(balances.receivable <= 0n, 'a debt never becomes a credit');
  return { kind: 'post', state: { ...state, balances }, journals, round, wageredAwardId };
}
