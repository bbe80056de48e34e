/** The ClickHouse back end: a rule as an expression with query parameters, for segments and back-tests on history. */
import { succeed, type Result } from '../failures.ts';
import type { Field } from './catalogue.ts';
import type { CheckedRule } from './check.ts';
import { timePartBeforeUs, timePartFromUs } from './functions-time.ts';
import type { TimePart } from './rule-function.ts';
import { writeSql, type SqlDialect } from './sql.ts';

export type ClickHouseRule = {
  /** An expression that is 1 or 0, never NULL. */
  readonly text: string;
  /** `query_params` of the client. */
  readonly parameters: Readonly<Record<string, ClickHouseParameter>>;
};

/** Whole numbers in arrays are bigints, because the client would quote them as texts. */
export type ClickHouseParameter = string | boolean | readonly string[] | readonly bigint[];

const functionOfTime: Readonly<Record<TimePart, string>> = {
  hour: 'toHour',
  weekday: 'toDayOfWeek',
  day: 'toDayOfMonth',
  month: 'toMonth',
  year: 'toYear',
};

/** Compiles a condition; the names of its parameters begin with `prefix`, so that several fit into one query. */
export function compileClickHouse(rule: CheckedRule, prefix = 'rule'): Result<ClickHouseRule> {
  const parameters: Record<string, ClickHouseParameter> = {};
  let count = 0;
  const bind = (value: ClickHouseParameter, type: string): string => {
    count += 1;
    const name = `${prefix}_${count}`;
    parameters[name] = value;
    return `{${name}:${type}}`;
  };
  const written = writeSql(rule, clickHouseDialect(bind), 'ClickHouse');
  return written.ok ? succeed({ text: written.value, parameters }) : written;
}

const clickHouseDialect = (bind: (value: ClickHouseParameter, type: string) => string): SqlDialect => ({
  field: clickHouseField,
  constant: (value) => {
    if (typeof value === 'bigint') return bind(value.toString(), 'Int256');
    return typeof value === 'boolean' ? bind(value, 'Bool') : bind(value, 'String');
  },
  list: (values) => {
    const numbers = values.filter((value) => typeof value === 'bigint');
    return numbers.length === values.length
      ? bind(numbers, 'Array(Int256)')
      : bind(values.map(String), 'Array(String)');
  },
  orFalse: (sql) => `ifNull(${sql}, false)`,
  // abs() answers an unsigned number, with which a sign cannot be multiplied.
  absolute: (sql) => `toInt256(abs(${sql}))`,
  // A NULL row still has a value underneath, on which intDiv would fail when it is zero.
  quotient: (dividend, divisor) =>
    `if(ifNull(${divisor} = 0, true), null, intDivOrZero(${dividend}, ${divisor}))`,
  // Not has(), which answers 0 for a NULL, so that its negation would be true.
  isOneOf: (sql, list) => `(${sql} in ${list})`,
  contains: (text, part) => `position(${text}, ${part}) > 0`,
  containsAny: (text, list) => `arrayExists(part -> position(${text}, part) > 0, ${list})`,
  startsWith: (text, part) => `startsWith(${text}, ${part})`,
  lower: (text) => `lower(${text})`,
  length: (text) => `toInt256(lengthUTF8(${text}))`,
  choose: (pairs, otherwise) => `multiIf(${[...pairs.flat(), otherwise].join(', ')})`,
  timePart: (us, part, zone) =>
    `if(ifNull(${us} >= ${timePartFromUs} and ${us} < ${timePartBeforeUs}, false), ` +
    `toInt256(${functionOfTime[part]}(fromUnixTimestamp64Micro(toInt64(${us}), ${bind(zone, 'String')}))), null)`,
});

/** Whole numbers are 256 bits wide: ClickHouse wraps around, and the checker keeps every result below that. */
function clickHouseField({ type, clickhouse }: Field): string | null {
  if (clickhouse === undefined) return null;
  switch (type.kind) {
    case 'boolean':
      return `CAST(${clickhouse} AS Nullable(Bool))`;
    case 'integer':
    case 'decimal':
    case 'money':
    case 'duration':
      return `CAST(${clickhouse} AS Nullable(Int256))`;
    case 'timestamp':
      return `CAST(toUnixTimestamp64Micro(${clickhouse}) AS Nullable(Int256))`;
    case 'string':
    case 'enum':
    case 'country':
      return `CAST(${clickhouse} AS Nullable(String))`;
  }
}
