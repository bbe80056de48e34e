/** The routing rules that are live and those under trial, compiled and kept in the process for two seconds. */
import type { Database } from '#db/connect.ts';
import { readRouting, type RuleSetName } from '#domain/backoffice/rule-sets.ts';
import type { RoutingOutcome } from '#domain/payments/routing.schema.ts';
import type { CompiledDecision } from '#domain/rules/decide.ts';
import { rememberShortly } from '../short-memory.ts';
import { openWorkItem } from './commands/work-items.ts';

export type RoutingVersion = {
  readonly id: string;
  readonly version: number;
  readonly rules: CompiledDecision<RoutingOutcome>;
};

export type RoutingRules = { readonly live: RoutingVersion | null; readonly shadow: RoutingVersion | null };

/** So long may an answer lag behind "go live" or "roll back"; a decision stores the version that it used. */
const ageMsMax = 2_000;

const rulesOf = (ruleSet: RuleSetName) =>
  rememberShortly<RoutingRules>(ageMsMax, async (db, brand, last) => {
    const rows = await db
      .selectFrom('backoffice.ruleVersion')
      .select(['id', 'version', 'state', 'content'])
      .where('ruleSet', '=', ruleSet)
      .where('brand', '=', brand)
      .where('state', 'in', ['live', 'shadow'])
      .execute();
    const known = [last?.live, last?.shadow];
    const compiled = (state: 'live' | 'shadow'): RoutingVersion | null => {
      const row = rows.find((one) => one.state === state);
      if (row === undefined) return null;
      const same = known.find((one) => one?.id === row.id);
      if (same) return same;
      const rules = readRouting(row.content, ruleSet);
      return rules.ok ? { id: row.id, version: row.version, rules: rules.value } : null;
    };
    const [live, shadow] = [compiled('live'), compiled('shadow')];
    const unread = live === null ? rows.find((one) => one.state === 'live') : undefined;
    // Money goes its default way meanwhile, and nobody would notice.
    if (unread !== undefined)
      await openWorkItem(db, {
        kind: 'unreadable-rules',
        subject: `rule-version:${unread.id}`,
        brand,
        reason: `version ${unread.version} of ${ruleSet} is live and this build cannot read it`,
      });
    return { live, shadow };
  });

/**
 * Null where the brand has none, or where the code no longer understands what was published: deposits then follow the
 * brand's list of PSPs, payouts begin where the money came in, which is better than none.
 */
export const currentRoutingRules = rulesOf('payments.deposit-routing');
export const currentPayoutRules = rulesOf('payments.payout-routing');

/** Compiles a stored version, whatever its state; null when there is none. */
export async function readRoutingVersion(
  db: Database,
  id: string,
  ruleSet: RuleSetName,
): Promise<RoutingVersion | null> {
  const row = await db
    .selectFrom('backoffice.ruleVersion')
    .select(['id', 'version', 'content'])
    .where('id', '=', id)
    .where('ruleSet', '=', ruleSet)
    .executeTakeFirst();
  if (row === undefined) return null;
  const rules = readRouting(row.content, ruleSet);
  return rules.ok ? { id: row.id, version: row.version, rules: rules.value } : null;
}
