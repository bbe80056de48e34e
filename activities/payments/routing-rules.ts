/** The rules of deposits that are live and those under trial, compiled and kept in the process for two seconds. */
import type { Database } from '#db/connect.ts';
import {
  readEligibility,
  readPayoutRouting,
  readRouting,
  readScorecard,
  readThreeDs,
  type RuleSetName,
} from '#domain/backoffice/rule-sets.ts';
import type { Result } from '#domain/failures.ts';
import type { EligibilityOutcome } from '#domain/payments/eligibility.ts';
import type { RoutingOutcome } from '#domain/payments/routing.schema.ts';
import type { ThreeDsWish } from '#domain/payments/three-ds.ts';
import type { ScorePoints } from '#domain/risk/scorecard.ts';
import type { CompiledDecision } from '#domain/rules/decide.ts';
import { rememberShortly } from '../short-memory.ts';
import { noteUnreadable } from './unreadable-rules.ts';

export type RuleVersion<O> = {
  readonly id: string;
  readonly version: number;
  readonly rules: CompiledDecision<O>;
};

export type LiveRules<O> = {
  readonly live: RuleVersion<O> | null;
  readonly shadow: RuleVersion<O> | null;
  /** Rules are live, and neither they nor any that were live before can be read. */
  readonly isUnread: boolean;
};

export type RoutingVersion = RuleVersion<RoutingOutcome>;
export type ThreeDsVersion = RuleVersion<ThreeDsWish>;
export type ScorecardVersion = RuleVersion<ScorePoints>;

/** All sets are asked in one question, because a player waits for their answers. */
export type DepositRules = {
  readonly routing: LiveRules<RoutingOutcome>;
  readonly threeDs: LiveRules<ThreeDsWish>;
  readonly eligibility: LiveRules<EligibilityOutcome>;
};

/** So long may an answer lag behind "go live" or "roll back"; a decision stores the version that it used. */
const ageMsMax = 2_000;
const routingSet = 'payments.deposit-routing';
const threeDsSet = 'payments.three-ds';
const eligibilitySet = 'payments.method-eligibility';
const payoutSet = 'payments.payout-routing';
const scorecardSet = 'risk.fraud-scorecard';

/**
 * Null where the brand has none, or where the code understands neither what is live nor what was before: deposits then follow
 * the brand's list of PSPs, payouts begin where the money came in, and 3-D Secure is asked for the most.
 */
export const currentDepositRules = rememberShortly<DepositRules>(ageMsMax, async (db, brand, last) => {
  const rows = await rowsOf(db, brand, [routingSet, threeDsSet, eligibilitySet]);
  return {
    routing: await liveRules(db, brand, rows, routingSet, last?.routing, readRouting),
    threeDs: await liveRules(db, brand, rows, threeDsSet, last?.threeDs, readThreeDs),
    eligibility: await liveRules(db, brand, rows, eligibilitySet, last?.eligibility, readEligibility),
  };
});

export const currentPayoutRules = rememberShortly<LiveRules<RoutingOutcome>>(
  ageMsMax,
  async (db, brand, last) =>
    liveRules(db, brand, await rowsOf(db, brand, [payoutSet]), payoutSet, last, readPayoutRouting),
);

/** Null where the brand has none: then nothing is scored, and only scores that are given count. */
export const currentScorecard = rememberShortly<LiveRules<ScorePoints>>(ageMsMax, async (db, brand, last) =>
  liveRules(db, brand, await rowsOf(db, brand, [scorecardSet]), scorecardSet, last, readScorecard),
);

const rowsOf = (db: Database, brand: string, ruleSets: readonly RuleSetName[]) =>
  db
    .selectFrom('backoffice.ruleVersion')
    .select(['id', 'ruleSet', 'version', 'state', 'content'])
    .where('ruleSet', 'in', ruleSets)
    .where('brand', '=', brand)
    .where('state', 'in', ['live', 'shadow'])
    .execute();

async function liveRules<O>(
  db: Database,
  brand: string,
  rows: Awaited<ReturnType<typeof rowsOf>>,
  ruleSet: RuleSetName,
  known: LiveRules<O> | undefined,
  read: (content: unknown) => Result<CompiledDecision<O>>,
): Promise<LiveRules<O>> {
  const rowIn = (state: 'live' | 'shadow') =>
    rows.find((one) => one.ruleSet === ruleSet && one.state === state);
  const compiled = (row: StoredVersion | undefined): RuleVersion<O> | null => {
    if (row === undefined) return null;
    const same = [known?.live, known?.shadow].find((one) => one?.id === row.id);
    return same ?? compileVersion(row, read);
  };
  const [liveRow, shadowRow] = [rowIn('live'), rowIn('shadow')];
  const shadow = compiled(shadowRow);
  const told = (state: 'live' | 'shadow', row: StoredVersion | undefined, more = '') =>
    noteUnreadable(
      db,
      { ruleSet, state, brand },
      row === undefined
        ? []
        : [
            {
              ruleSet,
              state,
              brand,
              subject: `rule-version:${row.id}`,
              reason: `version ${row.version} of ${ruleSet} is ${state} and this build cannot read it${more}`,
            },
          ],
    );
  await told('shadow', shadow === null ? shadowRow : undefined);
  const live = compiled(liveRow);
  if (live !== null || liveRow === undefined) {
    await told('live', undefined);
    return { live, shadow, isUnread: false };
  }
  // Money goes by what held before meanwhile, or its default way, and nobody would notice.
  const last = await lastReadable(db, brand, ruleSet, compiled);
  await told('live', liveRow, last === null ? '' : `; version ${last.version} decides meanwhile`);
  return { live: last, shadow, isUnread: last === null };
}

type StoredVersion = { readonly id: string; readonly version: number; readonly content: unknown };

const compileVersion = <O>(
  row: StoredVersion,
  read: (content: unknown) => Result<CompiledDecision<O>>,
): RuleVersion<O> | null => {
  const rules = read(row.content);
  return rules.ok ? { id: row.id, version: row.version, rules: rules.value } : null;
};

/** Two people have put it into force once, and it is what held before what cannot be read. */
async function lastReadable<O>(
  db: Database,
  brand: string,
  ruleSet: RuleSetName,
  compiled: (row: StoredVersion) => RuleVersion<O> | null,
): Promise<RuleVersion<O> | null> {
  const rows = await db
    .selectFrom('backoffice.ruleVersion')
    .select(['id', 'version', 'content'])
    .where('ruleSet', '=', ruleSet)
    .where('brand', '=', brand)
    .where('state', '=', 'retired')
    .where('liveAt', 'is not', null)
    .orderBy('liveAt', 'desc')
    .orderBy('version', 'desc')
    .limit(versionsMax)
    .execute();
  for (const row of rows) {
    const version = compiled(row);
    if (version !== null) return version;
  }
  return null;
}

/** So far back is looked for a version that can be read. */
const versionsMax = 5;

/** Compiles a stored version, whatever its state; null when there is none that this build can read. */
export async function readScorecardVersion(db: Database, id: string): Promise<ScorecardVersion | null> {
  const row = await db
    .selectFrom('backoffice.ruleVersion')
    .select(['id', 'version', 'content'])
    .where('id', '=', id)
    .where('ruleSet', '=', scorecardSet)
    .executeTakeFirst();
  return row === undefined ? null : compileVersion(row, readScorecard);
}
