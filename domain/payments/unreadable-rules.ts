/**
 * What stands in for a rule that this build cannot read, as a newer one may have written it: the strictest that what is
 * legible of it allows. A limit that is left out because nobody understands it would let through what it was to stop.
 */
import type { PaymentRule } from './payment-rules.ts';
import type { RetryRule } from './retry-rules.ts';

/** What its scope is, as far as it can be read; null where it cannot, which means every one. */
export type LegibleScope = Pick<
  PaymentRule,
  'id' | 'name' | 'version' | 'flow' | 'method' | 'jurisdiction' | 'country' | 'asset'
>;

/** A limit that nobody can keep closes what it speaks of. */
export const closedInstead = (scope: LegibleScope): PaymentRule => ({
  ...scope,
  measure: 'closed',
  subject: 'payment',
  amount: null,
  countMax: null,
  kycLevel: null,
  windowS: null,
});

/** The longest window that a network counts in. */
const monthS = 30 * 86_400;

/**
 * A first try at a card offends no network, so only a second one is barred. As the operator's own: nobody's looser row is
 * refused because of it.
 */
export const noSecondTry = (row: Pick<RetryRule, 'id' | 'network' | 'psp'>): RetryRule => ({
  ...row,
  rule: 'reattempts',
  windowS: monthS,
  maximum: 0,
  scope: 'card',
  codes: [],
  adviceCodes: [],
  declineClass: null,
  imposedBy: 'operator',
});
