/** The PostgreSQL back end: a rule as a parameterised expression over the catalogue's columns. */
import { succeed, type Result } from '../failures.ts';
import type { Field } from './catalogue.ts';
import type { CheckedRule } from './check.ts';
import { timePartBeforeUs, timePartFromUs } from './functions-time.ts';
import type { TimePart } from './rule-function.ts';
import { writeSql, type SqlDialect } from './sql.ts';

export type PostgresParameter = string | boolean | readonly string[];

export type PostgresRule = {
  /** An expression that is true or false, never NULL. */
  readonly text: string;
  readonly parameters: readonly PostgresParameter[];
};

const fieldOfTime: Readonly<Record<TimePart, string>> = {
  hour: 'hour',
  weekday: 'isodow',
  day: 'day',
  month: 'month',
  year: 'year',
};

/** Compiles a condition; its parameters are numbered from `parameterFirst` on, so that it fits into any statement. */
export function compilePostgres(rule: CheckedRule, parameterFirst = 1): Result<PostgresRule> {
  const parameters: PostgresParameter[] = [];
  const bind = (value: PostgresParameter, type: string): string => {
    parameters.push(value);
    return `$${parameterFirst + parameters.length - 1}::${type}`;
  };
  const written = writeSql(rule, postgresDialect(bind), 'PostgreSQL');
  return written.ok ? succeed({ text: written.value, parameters }) : written;
}

const postgresDialect = (bind: (value: PostgresParameter, type: string) => string): SqlDialect => ({
  field: postgresField,
  constant: (value) => {
    if (typeof value === 'bigint') return bind(value.toString(), 'numeric');
    return typeof value === 'boolean' ? bind(value, 'boolean') : bind(value, 'text');
  },
  list: (values) =>
    bind(values.map(String), values.every((value) => typeof value === 'bigint') ? 'numeric[]' : 'text[]'),
  orFalse: (sql) => `coalesce(${sql}, false)`,
  absolute: (sql) => `abs(${sql})`,
  quotient: (dividend, divisor) => `div(${dividend}, nullif(${divisor}, 0))`,
  isOneOf: (sql, list) => `(${sql} = any (${list}))`,
  contains: (text, part) => `strpos(${text}, ${part}) > 0`,
  containsAny: (text, list) => `exists (select from unnest(${list}) as part where strpos(${text}, part) > 0)`,
  startsWith: (text, part) => `starts_with(${text}, ${part})`,
  lower: (text) => `translate(${text}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`,
  length: (text) => `char_length(${text})::numeric`,
  choose: (pairs, otherwise) =>
    `(case ${pairs.map(([when, then]) => `when ${when} then ${then}`).join(' ')} else ${otherwise} end)`,
  // Floor and not div: it is the second that the wall clock shows, and it is exact in a double.
  timePart: (us, part, zone) =>
    `(case when ${us} >= ${timePartFromUs} and ${us} < ${timePartBeforeUs} then extract(${fieldOfTime[part]} from ` +
    `to_timestamp(floor(${us} / 1000000)::double precision) at time zone ${bind(zone, 'text')}) end)`,
});

/** Texts compare by their bytes, whatever the column's collation; numbers are numeric, which does not overflow. */
function postgresField({ type, postgres }: Field): string | null {
  if (postgres === undefined) return null;
  switch (type.kind) {
    case 'boolean':
      return `(${postgres})::boolean`;
    case 'integer':
    case 'decimal':
    case 'money':
    case 'duration':
      return `(${postgres})::numeric`;
    case 'timestamp':
      return `(extract(epoch from (${postgres})::timestamptz) * 1000000)`;
    case 'string':
    case 'enum':
    case 'country':
      return `((${postgres})::text collate "C")`;
  }
}
