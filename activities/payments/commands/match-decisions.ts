/** Which payments of the last days a condition holds for: what a rule's author asks before there is a rule. */
import { z } from 'zod';
import { ruleSets, type DecisionSetName } from '#domain/backoffice/rule-sets.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { ruleNodeSchema } from '#domain/rules/ast.schema.ts';
import { checkCondition } from '#domain/rules/check.ts';
import { compileClickHouse } from '#domain/rules/clickhouse.ts';
import { isShallow } from '#domain/rules/limits.ts';
import { compilePostgres } from '#domain/rules/postgres.ts';
import { sentenceOf } from '#domain/rules/sentence.ts';
import { fieldsOf } from '#domain/rules/stored-facts-sql.ts';
import {
  askHistory,
  clickHouseFrom,
  historyOf,
  parameterFirst,
  timeOf,
  type History,
  type HistoryDeps,
  type HistoryQuestion,
} from '../decision-history.ts';

export type DecisionMatches = {
  readonly sentence: string;
  readonly decisions: number;
  readonly matches: number;
  /** Different players among the matches. */
  readonly players: number;
  readonly isCapped: boolean;
  readonly backEnd: History['backEnd'];
  /** The newest of them. */
  readonly samples: readonly {
    readonly paymentId: string;
    readonly playerId: string;
    readonly decidedAt: Date;
  }[];
};

export type MatchQuestion = {
  readonly ruleSet: DecisionSetName;
  readonly brand: string;
  readonly days: number;
  readonly condition: unknown;
  readonly samplesMax: number;
  readonly largeFrom?: number;
};

const countRow = z.object({ matches: z.coerce.number(), players: z.coerce.number() });
const sampleRow = z.object({ payment: z.string(), player: z.string(), place: z.string() });

/**
 * Asked of the inputs as they were seen when it was decided. A condition costs what the catalogue allows, and its question
 * ends after 20 seconds. Failures: `rule-invalid`, with pointers, and `overloaded`.
 */
export async function matchDecisions(
  deps: HistoryDeps,
  { condition, samplesMax, largeFrom = clickHouseFrom, ...about }: MatchQuestion,
): Promise<Result<DecisionMatches>> {
  if (!isShallow(condition)) return fail('rule-invalid', 'The condition is nested too deeply.');
  const tree = ruleNodeSchema.safeParse(condition);
  if (!tree.success) return fail('rule-invalid', 'The condition has another form.');
  const checked = checkCondition(tree.data, ruleSets[about.ruleSet].catalogue);
  if (!checked.ok) return checked;
  const inPostgres = compilePostgres(checked.value, parameterFirst);
  if (!inPostgres.ok) return inPostgres;
  const inClickHouse = compileClickHouse(checked.value);
  const question: HistoryQuestion = {
    fields: fieldsOf([checked.value.root]),
    postgres: { columns: [['holds', inPostgres.value.text]], parameters: inPostgres.value.parameters },
    clickhouse: inClickHouse.ok
      ? { columns: [['holds', inClickHouse.value.text]], parameters: inClickHouse.value.parameters }
      : null,
  };
  const history = await historyOf(deps, question, about, largeFrom);
  const [counted] = await askHistory(
    deps,
    history,
    question,
    {
      postgres: {
        select: 'count(*)::int as matches, count(distinct player_id)::int as players',
        more: 'where holds',
      },
      clickhouse: {
        select: 'toInt64(count()) as matches, toInt64(uniqExact(player_id)) as players',
        more: 'where holds',
      },
    },
    countRow,
  );
  const samples = await askHistory(
    deps,
    history,
    question,
    {
      postgres: {
        select: 'payment_id::text as payment, player_id::text as player, place',
        more: `where holds order by place collate "C" desc limit ${samplesMax}`,
      },
      clickhouse: {
        select: 'toString(payment_id) as payment, toString(player_id) as player, place',
        more: `where holds order by place desc limit ${samplesMax}`,
      },
    },
    sampleRow,
  );
  return succeed({
    sentence: sentenceOf(checked.value),
    decisions: history.decisions,
    matches: counted?.matches ?? 0,
    players: counted?.players ?? 0,
    isCapped: history.isCapped,
    backEnd: history.backEnd,
    samples: samples.map(({ payment, player, place }) => ({
      paymentId: payment,
      playerId: player,
      decidedAt: timeOf(place),
    })),
  });
}
