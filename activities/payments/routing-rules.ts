/** The rules of deposits that are live and those under trial, compiled and kept in the process for two seconds. */
import type { Database } from '#db/connect.ts';
import { readRouting, readThreeDs, type RuleSetName } from '#domain/backoffice/rule-sets.ts';
import type { Result } from '#domain/failures.ts';
import type { RoutingOutcome } from '#domain/payments/routing.schema.ts';
import type { ThreeDsWish } from '#domain/payments/three-ds.ts';
import type { CompiledDecision } from '#domain/rules/decide.ts';
import { rememberShortly } from '../short-memory.ts';

export type RuleVersion<O> = {
  readonly id: string;
  readonly version: number;
  readonly rules: CompiledDecision<O>;
};

export type LiveRules<O> = { readonly live: RuleVersion<O> | null; readonly shadow: RuleVersion<O> | null };

export type RoutingVersion = RuleVersion<RoutingOutcome>;
export type ThreeDsVersion = RuleVersion<ThreeDsWish>;

/** Both sets are asked in one question, because a player waits for their answers. */
export type DepositRules = {
  readonly routing: LiveRules<RoutingOutcome>;
  readonly threeDs: LiveRules<ThreeDsWish>;
};

/** So long may an answer lag behind "go live" or "roll back"; a decision stores the version that it used. */
const ageMsMax = 2_000;
const routingSet: RuleSetName = 'payments.deposit-routing';
const threeDsSet: RuleSetName = 'payments.three-ds';

/**
 * Null where the brand has none, or where the code no longer understands what was published: deposits then follow the
 * brand's list of PSPs, which is better than none.
 */
export const currentDepositRules = rememberShortly<DepositRules>(ageMsMax, async (db, brand, last) => {
  const rows = await db
    .selectFrom('backoffice.ruleVersion')
    .select(['id', 'ruleSet', 'version', 'state', 'content'])
    .where('ruleSet', 'in', [routingSet, threeDsSet])
    .where('brand', '=', brand)
    .where('state', 'in', ['live', 'shadow'])
    .execute();
  const compiled = <O>(
    ruleSet: RuleSetName,
    state: 'live' | 'shadow',
    known: LiveRules<O> | undefined,
    read: (content: unknown) => Result<CompiledDecision<O>>,
  ): RuleVersion<O> | null => {
    const row = rows.find((one) => one.ruleSet === ruleSet && one.state === state);
    if (row === undefined) return null;
    const same = [known?.live, known?.shadow].find((one) => one?.id === row.id);
    if (same) return same;
    const rules = read(row.content);
    return rules.ok ? { id: row.id, version: row.version, rules: rules.value } : null;
  };
  return {
    routing: {
      live: compiled(routingSet, 'live', last?.routing, readRouting),
      shadow: compiled(routingSet, 'shadow', last?.routing, readRouting),
    },
    threeDs: {
      live: compiled(threeDsSet, 'live', last?.threeDs, readThreeDs),
      shadow: compiled(threeDsSet, 'shadow', last?.threeDs, readThreeDs),
    },
  };
});

/** Compiles a stored version, whatever its state; null when there is none. */
export const readRoutingVersion = (db: Database, id: string): Promise<RoutingVersion | null> =>
  readVersion(db, routingSet, id, readRouting);

export const readThreeDsVersion = (db: Database, id: string): Promise<ThreeDsVersion | null> =>
  readVersion(db, threeDsSet, id, readThreeDs);

async function readVersion<O>(
  db: Database,
  ruleSet: RuleSetName,
  id: string,
  read: (content: unknown) => Result<CompiledDecision<O>>,
): Promise<RuleVersion<O> | null> {
  const row = await db
    .selectFrom('backoffice.ruleVersion')
    .select(['id', 'version', 'content'])
    .where('id', '=', id)
    .where('ruleSet', '=', ruleSet)
    .executeTakeFirst();
  if (row === undefined) return null;
  const rules = read(row.content);
  return rules.ok ? { id: row.id, version: row.version, rules: rules.value } : null;
}
