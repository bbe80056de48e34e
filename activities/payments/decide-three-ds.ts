/** Decides what a deposit asks of 3-D Secure, on the facts that its route is decided on, and keeps the decision. */
import type { Trx } from '#db/connect.ts';
import { threeDsCatalogue } from '#domain/payments/routing-fields.ts';
import { defaultWish, strongestWish, type ThreeDsWish } from '#domain/payments/three-ds.ts';
import { decide, type TraceStep } from '#domain/rules/decide.ts';
import { toStoredFacts } from '#domain/rules/facts.ts';
import type { Facts } from '#domain/rules/rule-types.ts';
import type { LiveRules, ThreeDsVersion } from './routing-rules.ts';
import { underTrial } from './unreadable-rules.ts';

export type ThreeDsDecision = {
  readonly versionId: string;
  readonly facts: Facts;
  readonly wish: ThreeDsWish;
  /** The rule that decided, null for the default. */
  readonly row: string | null;
  readonly trace: readonly TraceStep[];
  readonly shadow: { readonly versionId: string; readonly wish: ThreeDsWish } | null;
  readonly tookUs: number;
};

/** The same rules and facts give the same wish in every replay; without a default the platform's own stands. */
export function wishBy({ rules }: Pick<ThreeDsVersion, 'rules'>, facts: Facts) {
  const { outcomes, rows, trace } = decide(rules, facts);
  return { wish: strongestWish(outcomes) ?? defaultWish, row: rows[0] ?? null, trace };
}

export function decideThreeDs(
  { live, shadow }: LiveRules<ThreeDsWish>,
  facts: Facts,
  brand: string,
): ThreeDsDecision | null {
  if (live === null) return null;
  const startedAtMs = performance.now();
  const decided = wishBy(live, facts);
  return {
    ...decided,
    versionId: live.id,
    facts,
    shadow:
      shadow === null
        ? null
        : underTrial(shadow, { ruleSet: 'payments.three-ds', brand }, () => ({
            versionId: shadow.id,
            wish: wishBy(shadow, facts).wish,
          })),
    tookUs: Math.round((performance.now() - startedAtMs) * 1_000),
  };
}

/** Not executed yet: it joins another statement where there is one. */
export const threeDsInsert = (
  trx: Pick<Trx, 'insertInto'>,
  depositId: string,
  brand: string,
  decision: ThreeDsDecision,
) =>
  trx.insertInto('payments.threeDsDecision').values({
    depositId,
    brand,
    ruleVersionId: decision.versionId,
    inputs: JSON.stringify(toStoredFacts(threeDsCatalogue, decision.facts)),
    trace: JSON.stringify(decision.trace),
    rowName: decision.row,
    wish: JSON.stringify(decision.wish),
    shadowVersionId: decision.shadow?.versionId ?? null,
    shadowWish: decision.shadow === null ? null : JSON.stringify(decision.shadow.wish),
    tookUs: decision.tookUs,
  });
