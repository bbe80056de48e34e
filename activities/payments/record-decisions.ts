/**
 * Keeps what rules decided about a payment, in one statement with the fact that tells analysts of it: a statement more in a
 * deposit's path would be waited for.
 */
import { randomUUID } from 'node:crypto';
import { sql, type OperationNodeSource } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { factInsert } from '#activities/compliance/append-event.ts';
import { ruleSets, type DecisionSetName } from '#domain/backoffice/rule-sets.ts';
import { wishWords } from '#domain/payments/three-ds.ts';
import { toStoredFacts, type StoredFacts } from '#domain/rules/facts.ts';
import type { Facts } from '#domain/rules/rule-types.ts';
import { eligibilityInsert, type EligibilityDecision } from './decide-eligibility.ts';
import { threeDsInsert, type ThreeDsDecision } from './decide-three-ds.ts';
import { routingInsert, type RouteDecision } from './route-deposit.ts';

type Payment = { readonly paymentId: string; readonly playerId: string; readonly brand: string };

type ToldDecision = {
  readonly ruleSet: DecisionSetName;
  readonly versionId: string;
  readonly facts: Facts;
  readonly row: string | null;
  readonly seed: string;
  readonly result: readonly string[];
};

/** All of a deposit, in its own transaction; nothing where no rules are live. */
export async function recordDecisions(
  trx: Trx,
  payment: Payment,
  decisions: {
    readonly eligibility: EligibilityDecision | null;
    readonly route: RouteDecision | null;
    readonly threeDs: ThreeDsDecision | null;
    /** An insert of its caller's, written by the same statement. */
    readonly more?: OperationNodeSource | null;
  },
): Promise<void> {
  const { eligibility, route, threeDs, more = null } = decisions;
  const { paymentId, brand } = payment;
  const askedId = randomUUID();
  const told: ToldDecision[] = [];
  if (eligibility !== null)
    told.push(ofSet('payments.method-eligibility', eligibility, askedId, [eligibility.offer]));
  if (route !== null) told.push(ofSet('payments.deposit-routing', route, paymentId, route.psps));
  if (threeDs !== null) told.push(ofSet('payments.three-ds', threeDs, paymentId, wishWords(threeDs.wish)));
  const writes = [
    told.length === 0 ? null : factInsert(trx, factsOf(payment, told)),
    eligibility === null ? null : eligibilityInsert(trx, payment, eligibility, askedId),
    route === null ? null : routingInsert(trx, paymentId, brand, route),
    threeDs === null ? null : threeDsInsert(trx, paymentId, brand, threeDs),
    more,
  ].filter((write) => write !== null);
  if (writes.length === 0) return;
  const named = writes.map((write, index) => sql`${sql.raw(`written_${index}`)} as (${write})`);
  await sql`with ${sql.join(named)} select`.execute(trx);
}

/** Of a leg of a withdrawal, whose row its caller writes. */
export const toldOfPayout = (
  payment: Payment,
  decision: Omit<ToldDecision, 'ruleSet'>,
): ReturnType<typeof factsOf> => factsOf(payment, [{ ...decision, ruleSet: 'payments.payout-routing' }]);

const ofSet = (
  ruleSet: DecisionSetName,
  { versionId, facts, row }: Pick<ToldDecision, 'versionId' | 'facts' | 'row'>,
  seed: string,
  result: readonly string[],
): ToldDecision => ({ ruleSet, versionId, facts, row, seed, result });

/**
 * One fact for all decisions that saw the same: their inputs are told once. Cards may differ between them, so what one saw
 * otherwise makes a fact of its own.
 */
function factsOf({ paymentId, playerId, brand }: Payment, decisions: readonly ToldDecision[]) {
  const groups: { inputs: StoredFacts; decisions: ToldDecision[] }[] = [];
  for (const decision of decisions) {
    const inputs = toldInputs(decision);
    const group = groups.find((one) =>
      Object.entries(inputs).every(([name, value]) => !(name in one.inputs) || one.inputs[name] === value),
    );
    if (group === undefined) groups.push({ inputs, decisions: [decision] });
    else {
      group.inputs = { ...group.inputs, ...inputs };
      group.decisions.push(decision);
    }
  }
  return groups.map((group) => ({
    type: 'payments.decision.recorded' as const,
    version: 1 as const,
    brand,
    playerId,
    payload: {
      paymentId,
      // What was not known is left out: it reads as absent, and there is much of it.
      inputs: Object.fromEntries(
        Object.entries(group.inputs).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
      ),
      decisions: group.decisions.map(({ ruleSet, versionId, row, seed, result }) => ({
        ruleSet,
        ruleVersionId: versionId,
        row,
        seed,
        result: [...result],
      })),
    },
  }));
}

/** Without what does not leave the primary database. */
function toldInputs({ ruleSet, facts }: ToldDecision): StoredFacts {
  const { catalogue } = ruleSets[ruleSet];
  return Object.fromEntries(
    Object.entries(toStoredFacts(catalogue, facts)).filter(
      ([name]) => catalogue.fields.get(name)?.isSensitive !== true,
    ),
  );
}
