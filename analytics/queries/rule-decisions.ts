/** Asks the decisions that rules have made, in ClickHouse: counts, groups and samples of what a condition or a version finds. */
import type { ClickHouseClient } from '@clickhouse/client';
import type { Field } from '#domain/rules/catalogue.ts';
import { storedInClickHouse } from '#domain/rules/stored-facts-sql.ts';

/** Of one rule set and brand: after `from`, up to `until`, both in UTC with microseconds. */
export type DecisionRange = {
  readonly ruleSet: string;
  readonly brand: string;
  readonly from: string;
  readonly until: string;
};

/** SQL of ours over the columns below and `f`, which holds the facts; values of the author's are parameters. */
export type AskedDecisions = {
  readonly range: DecisionRange;
  readonly fields: readonly Field[];
  /** Columns that the conditions make, in the order in which one may use another. */
  readonly columns: readonly (readonly [name: string, sql: string])[];
  readonly parameters: Readonly<Record<string, unknown>>;
};

const seconds = 20;
/** Node reads at most 16 kB of a request's head, and parameters travel in it. */
const parametersLengthMax = 10_000;

const inRange = `rule_set = {rule_set: String} and brand = {brand: String}
  and decided_at > toDateTime64({from: String}, 6, 'UTC') and decided_at <= toDateTime64({until: String}, 6, 'UTC')`;

/** True where the parameters of such a question can be sent. */
export const fitsClickHouse = ({ parameters }: Pick<AskedDecisions, 'parameters'>): boolean =>
  Object.entries(parameters).reduce(
    (sum, [name, value]) => sum + name.length + 12 + encodedLength(value),
    0,
  ) < parametersLengthMax;

const encodedLength = (value: unknown): number =>
  encodeURIComponent(Array.isArray(value) ? value.map(String).join("','") : String(value)).length;

export async function countDecisions(clickhouse: ClickHouseClient, range: DecisionRange): Promise<number> {
  const [row] = await ask<{ decisions: string }>(
    clickhouse,
    `select toString(count()) as decisions from rule_decision where ${inRange}`,
    parametersOf(range),
  );
  return Number(row?.decisions ?? 0);
}

/** `select` is what is asked of the rows, with everything that follows its `from`. */
export const askDecisions = <T>(
  clickhouse: ClickHouseClient,
  { range, fields, columns, parameters }: AskedDecisions,
  select: readonly [what: string, more: string],
  more: Readonly<Record<string, unknown>> = {},
): Promise<readonly T[]> => {
  const opened = `select decided_at, payment_id, player_id, seed, result as was,
    concat(leftPad(toString(toUnixTimestamp64Micro(decided_at)), 20, '0'), ' ', seed) as place
    ${storedInClickHouse(fields, 'inputs')} from rule_decision where ${inRange}`;
  const made = columns.reduce((from, [name, sql]) => `select *, ${sql} as ${name} from (${from})`, opened);
  return ask<T>(clickhouse, `select ${select[0]} from (${made}) ${select[1]}`, {
    ...parametersOf(range),
    ...parameters,
    ...more,
  });
};

const parametersOf = ({ ruleSet, ...range }: DecisionRange) => ({ ...range, rule_set: ruleSet });

async function ask<T>(
  clickhouse: ClickHouseClient,
  query: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<readonly T[]> {
  const answer = await clickhouse.query({
    query,
    query_params: parameters,
    format: 'JSONEachRow',
    clickhouse_settings: { max_execution_time: seconds },
  });
  return answer.json<T>();
}
