/**
 * Replays stored decisions through another version of the rules: what would have been different, and for whom. The database
 * that holds the history counts; the process adds up what is alike.
 */
import { z } from 'zod';
import type { DecisionSetName } from '#domain/backoffice/rule-sets.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { decisionInClickHouse, decisionInPostgres } from '#domain/rules/decision-sql.ts';
import { replayOf, type Replay, type ReplayGroup } from '#domain/rules/replay.ts';
import { fieldsOf } from '#domain/rules/stored-facts-sql.ts';
import {
  askHistory,
  clickHouseFrom,
  decidingOf,
  historyOf,
  parameterFirst,
  timeOf,
  type History,
  type HistoryDeps,
  type HistoryQuestion,
} from '../decision-history.ts';

export type RuleSimulation = Omit<Replay, 'differing'> & {
  readonly days: number;
  /** Older decisions of the period were left out. */
  readonly isCapped: boolean;
  readonly backEnd: History['backEnd'];
  /** The newest of those that would differ. */
  readonly samples: readonly SimulatedDecision[];
};

type SimulatedDecision = {
  /** Of the deposit or the withdrawal. */
  readonly paymentId: string;
  readonly decidedAt: Date;
  readonly was: readonly string[];
  readonly would: readonly string[];
  readonly row: string | null;
};

export type SimulationQuestion = {
  readonly versionId: string;
  readonly ruleSet: DecisionSetName;
  readonly brand: string;
  readonly days: number;
  /** From how many decisions on ClickHouse is asked. */
  readonly largeFrom?: number;
};

const samplesMax = 20;

const groupRow = z.object({
  held: z.string(),
  share: z.coerce.number(),
  was: z.array(z.string()),
  decisions: z.coerce.number(),
  newest: z.string(),
});

const sampleRow = z.object({ payment: z.string(), place: z.string(), key: z.string() });

/** Rows that are alike: one text of what holds, which share, and what was decided. */
const key = {
  postgres: `held || '|' || share || '|' || array_to_string(was, ' ')`,
  clickhouse: `concat(held, '|', toString(share), '|', arrayStringConcat(was, ' '))`,
};

const groups = {
  postgres: {
    select: 'held, share, was, count(*)::int as decisions, max(place collate "C") as newest',
    more: 'group by held, share, was',
  },
  clickhouse: {
    select: 'held, share, was, toInt64(count()) as decisions, max(place) as newest',
    more: 'group by held, share, was',
  },
};

/**
 * Decides again on the inputs as they were seen. Changes nothing. Failures: `not-found`, `rule-invalid` where this build
 * cannot read the version or the inputs, `overloaded` where the period is too long to read.
 */
export async function simulateDecisions(
  deps: HistoryDeps,
  { versionId, largeFrom = clickHouseFrom, ...about }: SimulationQuestion,
): Promise<Result<RuleSimulation>> {
  const version = await deps.reportDb
    .selectFrom('backoffice.ruleVersion')
    .select('content')
    .where('id', '=', versionId)
    .where('ruleSet', '=', about.ruleSet)
    .executeTakeFirst();
  if (version === undefined) return fail('not-found', 'There is no such version.');
  return decidingOf(about.ruleSet, async ({ read, splitOf, resultOf }) => {
    const rules = read(version.content);
    if (!rules.ok) return rules;
    const inPostgres = decisionInPostgres(rules.value, splitOf, { seed: 'seed', parameterFirst });
    if (!inPostgres.ok) return inPostgres;
    const inClickHouse = decisionInClickHouse(rules.value, splitOf, { seed: 'seed' });
    const question: HistoryQuestion = {
      fields: fieldsOf(rules.value.rows.map(({ rule }) => rule.root)),
      postgres: columnsOf(inPostgres.value),
      clickhouse: inClickHouse.ok ? columnsOf(inClickHouse.value) : null,
    };
    const history = await historyOf(deps, question, about, largeFrom);
    const { differing, ...replay } = replayOf(
      rules.value,
      await askHistory(deps, history, question, groups, groupRow),
      resultOf,
    );
    return succeed({
      ...replay,
      days: about.days,
      isCapped: history.isCapped,
      backEnd: history.backEnd,
      samples: await samplesOf(deps, history, question, differing),
    });
  });
}

const columnsOf = <P>({
  held,
  share,
  parameters,
}: {
  readonly held: string;
  readonly share: string;
  readonly parameters: P;
}) => ({
  columns: [
    ['held', held],
    ['share', share],
  ] as const,
  parameters,
});

/** The newest decisions that differ lie in the groups whose newest are the newest: no more groups than samples. */
async function samplesOf(
  deps: HistoryDeps,
  history: History,
  question: HistoryQuestion,
  differing: Replay['differing'],
): Promise<readonly SimulatedDecision[]> {
  if (differing.length === 0) return [];
  const byKey = new Map(differing.slice(0, samplesMax).map((group) => [keyOf(group), group]));
  const keys = [...byKey.keys()];
  const rows = await askHistory(
    deps,
    history,
    question,
    {
      postgres: {
        select: `payment_id::text as payment, place, ${key.postgres} as key`,
        more: `where ${key.postgres} = any ($1::text[]) order by place collate "C" desc limit ${samplesMax}`,
        keys,
      },
      clickhouse: {
        select: `toString(payment_id) as payment, place, ${key.clickhouse} as key`,
        more: `where ${key.clickhouse} in {keys: Array(String)} order by place desc limit ${samplesMax}`,
        keys,
      },
    },
    sampleRow,
  );
  return rows.flatMap(({ payment, place, key: own }) => {
    const group = byKey.get(own);
    return group === undefined
      ? []
      : [
          {
            paymentId: payment,
            decidedAt: timeOf(place),
            was: group.was,
            would: group.would,
            row: group.row,
          },
        ];
  });
}

const keyOf = ({ held, share, was }: ReplayGroup): string => `${held}|${share}|${was.join(' ')}`;
