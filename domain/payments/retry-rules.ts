/**
 * How often a card may be tried: ceilings of card networks, acquirers and the operator. Every row in force is asked, so
 * the strictest wins whoever imposed it, and a row can add but never take away.
 */
import {
  limitExceeded,
  neutralRefusal,
  type Probe,
  type Refusal,
  type Tally,
  type UseGuard,
} from './uses.ts';

export type RetryRule = {
  readonly id: string;
  /** Lower-case scheme, or `any`. */
  readonly network: string;
  readonly rule: 'attempts' | 'reattempts' | 'never' | 'wait';
  /** Null for ever. */
  readonly windowS: number | null;
  readonly maximum: number;
  readonly scope: 'card' | 'card-currency' | 'card-amount' | 'card-amount-currency';
  readonly codes: readonly string[];
  readonly adviceCodes: readonly string[];
  readonly declineClass: string | null;
  readonly imposedBy: 'network' | 'acquirer' | 'operator';
  readonly psp: string | null;
};

export type CardAttempt = {
  readonly cards: readonly { readonly id: string; readonly network: string | null }[];
  readonly asset: string;
  /** Units at ledger scale. */
  readonly amount: bigint;
  readonly psp: string;
};

/** Probes and judges for one more try at a card. A card whose network no PSP has told yet obeys the rows of all. */
export const retryGuards = (rules: readonly RetryRule[], attempt: CardAttempt): UseGuard[] =>
  attempt.cards.flatMap(({ id, network }) =>
    rules
      .filter((rule) => rule.network === 'any' || rule.network === network)
      .filter((rule) => rule.psp === null || rule.psp === attempt.psp)
      .map((rule): UseGuard => ({ probe: probeOf(rule, id, attempt), judge: (tally) => judge(rule, tally) })),
  );

/** An open or unknown try counts as a refused one; an approved one is no retry of anything. */
const countedStates = ['open', 'declined'] as const;

function probeOf(rule: RetryRule, cardId: string, attempt: CardAttempt): Probe {
  const isRefusal = rule.rule === 'never' || rule.rule === 'wait';
  return {
    subject: `card:${cardId}`,
    windowS: rule.windowS,
    states: isRefusal ? ['declined'] : countedStates,
    flow: 'deposit',
    ...(rule.scope === 'card-amount' || rule.scope === 'card-amount-currency'
      ? { amount: attempt.amount.toString() }
      : {}),
    ...(rule.scope === 'card-currency' || rule.scope === 'card-amount-currency'
      ? { asset: attempt.asset }
      : {}),
    ...(rule.psp === null ? {} : { psp: rule.psp }),
    ...(isRefusal
      ? { refusal: { declineClass: rule.declineClass, codes: rule.codes, adviceCodes: rule.adviceCodes } }
      : {}),
  };
}

function judge(rule: RetryRule, { uses, nextS }: Tally): Refusal | null {
  const by = `retry-rule:${rule.id}`;
  const tooOften = 'This card has been tried as often as it may be for now; use another one or try later.';
  switch (rule.rule) {
    case 'attempts':
      return uses >= rule.maximum ? limitExceeded(by, tooOften, nextS) : null;
    case 'reattempts':
      // The first try is none: with n tries so far, the next one is reattempt n.
      return uses > rule.maximum ? limitExceeded(by, tooOften, nextS) : null;
    case 'wait':
      return uses > 0 ? limitExceeded(by, tooOften, nextS) : null;
    case 'never':
      return uses > 0 ? neutralRefusal(by) : null;
  }
}

/**
 * True when the network itself imposes less for the same count. Such a row would change nothing, because the network's
 * is asked as well; it is refused so that nobody believes in it.
 */
export const isLooserThanNetwork = (
  rule: Pick<RetryRule, 'network' | 'rule' | 'windowS' | 'maximum' | 'scope'>,
  inForce: readonly RetryRule[],
): boolean =>
  inForce.some(
    (known) =>
      known.imposedBy === 'network' &&
      (known.network === rule.network || rule.network === 'any') &&
      known.rule === rule.rule &&
      known.scope === rule.scope &&
      known.windowS !== null &&
      rule.windowS !== null &&
      // More in a shorter window than the network admits in a longer one admits more than the network does, too.
      rule.windowS <= known.windowS &&
      rule.maximum > known.maximum,
  );
