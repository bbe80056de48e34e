/** Whether a method is open to a payer, as the live rules of the brand say; a refusal by them in the words of the others. */
import { decide, type CompiledDecision, type TraceStep } from '../rules/decide.ts';
import type { Facts } from '../rules/rule-types.ts';
import type { MethodGap } from './payment-rules.ts';

/** From the widest to the narrowest. */
export const offers = ['open', 'needs-identity', 'closed'] as const;

export type Offer = (typeof offers)[number];

export type EligibilityOutcome = { readonly offer: Offer };

export type Eligibility = {
  readonly offer: Offer;
  /** The rule that decided, null for the default. */
  readonly row: string | null;
  readonly trace: readonly TraceStep[];
};

/** The narrowest of what rows say. Rules without a default are not taken, so an empty answer closes. */
export const narrowestOffer = (outcomes: readonly EligibilityOutcome[]): Offer =>
  outcomes.reduce<Offer | null>(
    (narrowest, { offer }) =>
      narrowest === null || offers.indexOf(offer) > offers.indexOf(narrowest) ? offer : narrowest,
    null,
  ) ?? 'closed';

/** The same rules and facts give the same answer in every replay. */
export function eligibilityBy(rules: CompiledDecision<EligibilityOutcome>, facts: Facts): Eligibility {
  const { outcomes, rows, trace } = decide(rules, facts);
  return { offer: narrowestOffer(outcomes), row: rows[0] ?? null, trace };
}

/** Why the method is not there, for staff; null when it is. */
export function gapOf(
  { offer, row }: Pick<Eligibility, 'offer' | 'row'>,
  version: number | null,
): MethodGap | null {
  if (offer === 'open') return null;
  const by = `method-eligibility:${version === null ? 'unreadable' : `v${version}:${row ?? 'default'}`}`;
  return { reason: offer === 'closed' ? 'closed' : 'kyc-level', by };
}
