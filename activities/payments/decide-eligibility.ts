/** Asks the live rules of a brand whether a method is open to a payer, and keeps what they said beside what they saw. */
import type { Database, Trx } from '#db/connect.ts';
import { eligibilityCatalogue } from '#domain/payments/eligibility-fields.ts';
import {
  eligibilityBy,
  gapOf,
  offers,
  type Eligibility,
  type EligibilityOutcome,
  type Offer,
} from '#domain/payments/eligibility.ts';
import { refusalOf, type MethodGap } from '#domain/payments/payment-rules.ts';
import type { PspReach } from '#domain/payments/deposit-methods.ts';
import type { Refusal } from '#domain/payments/uses.ts';
import { toStoredFacts } from '#domain/rules/facts.ts';
import type { Facts } from '#domain/rules/rule-types.ts';
import { eligibilityFacts, onlyCard, type AskedPayment, type CardAt } from './payment-facts.ts';
import type { PayerFacts } from './payer-facts.ts';
import type { LiveRules } from './routing-rules.ts';
import { underTrial } from './unreadable-rules.ts';

export type EligibilityDecision = Eligibility & {
  readonly versionId: string;
  readonly facts: Facts;
  readonly shadow: { readonly versionId: string; readonly offer: Offer } | null;
  readonly tookUs: number;
};

export type JudgedEligibility = {
  /** Null where the method is open. */
  readonly gap: MethodGap | null;
  readonly refusal: Refusal | null;
  /** Null where no rules are live, or nobody can read them. */
  readonly decision: EligibilityDecision | null;
};

const narrowness = (offer: Offer): number => offers.indexOf(offer);

/**
 * Of several cards the one to which the method is the least open: a cascade may come to any of them. A brand without rules
 * has no method closed by them; rules that nobody can read close all, as a limit does that nobody can read.
 */
export function judgeEligibility(
  { live, shadow, isUnread }: LiveRules<EligibilityOutcome>,
  asked: AskedPayment,
  player: PayerFacts | null,
  psps: { readonly offered: readonly string[]; readonly health: ReadonlyMap<string, PspReach> } | null,
  cards?: readonly CardAt[],
): JudgedEligibility {
  if (isUnread) return judged(gapOf({ offer: 'closed', row: null }, null), null);
  if (live === null || player === null) return judged(null, null);
  const startedAtMs = performance.now();
  const asks = (cards === undefined || cards.length === 0 ? [onlyCard(player)] : cards).map((at) =>
    eligibilityFacts(asked, player, at, psps),
  );
  const narrowest = asks
    .map((facts) => ({ ...eligibilityBy(live.rules, facts), facts }))
    .reduce((least, one) => (narrowness(one.offer) > narrowness(least.offer) ? one : least));
  const about = { ruleSet: 'payments.method-eligibility', brand: asked.brand };
  const trial =
    shadow === null
      ? null
      : underTrial(shadow, about, () => ({
          versionId: shadow.id,
          offer: eligibilityBy(shadow.rules, narrowest.facts).offer,
        }));
  const tookUs = Math.round((performance.now() - startedAtMs) * 1_000);
  return judged(gapOf(narrowest, live.version), {
    ...narrowest,
    versionId: live.id,
    shadow: trial,
    tookUs,
  });
}

const judged = (gap: MethodGap | null, decision: EligibilityDecision | null): JudgedEligibility => ({
  gap,
  refusal: gap === null ? null : refusalOf(gap),
  decision,
});

/** Not executed yet: it joins another statement where there is one. */
export const eligibilityInsert = (
  trx: Pick<Database | Trx, 'insertInto'>,
  about: { readonly paymentId: string; readonly playerId: string; readonly brand: string },
  decision: EligibilityDecision,
  /** Made by the caller, since the fact names it. */
  id: string,
) =>
  trx.insertInto('payments.eligibilityDecision').values({
    id,
    ...about,
    ruleVersionId: decision.versionId,
    inputs: JSON.stringify(toStoredFacts(eligibilityCatalogue, decision.facts)),
    trace: JSON.stringify(decision.trace),
    rowName: decision.row,
    offer: decision.offer,
    shadowVersionId: decision.shadow?.versionId ?? null,
    shadowOffer: decision.shadow?.offer ?? null,
    tookUs: decision.tookUs,
  });
