/**
 * A whole decision as SQL over stored facts: which rows hold, and in which share of the volume a key falls. Databases
 * count what a version would have decided; what the numbers mean is said by `replayOf`, in one place for all of them.
 */
import { succeed, type Result } from '../failures.ts';
import { compileClickHouse, type ClickHouseParameter } from './clickhouse.ts';
import type { CompiledDecision } from './decide.ts';
import { compilePostgres, type PostgresParameter } from './postgres.ts';
import { bucketsCount, saltHash } from './volume-split.ts';

/** Upper ends of the shares of an outcome, in buckets; one share is no split. */
export type SplitOf<O> = (outcome: O) => readonly number[];

type Written<P> = {
  /** A text: the number of the first row that holds, or a digit per row where all are asked; see `heldRows`. */
  readonly held: string;
  /** A whole number: which share, 0 where the outcome has no split. */
  readonly share: string;
  readonly parameters: P;
};

/** `seed` is the SQL of the key that the volume is split by. Failure: `rule-invalid` where a field has no expression. */
export function decisionInPostgres<O>(
  decision: CompiledDecision<O>,
  splitOf: SplitOf<O>,
  { seed, parameterFirst }: { readonly seed: string; readonly parameterFirst: number },
): Result<Written<readonly PostgresParameter[]>> {
  const parameters: PostgresParameter[] = [];
  const conditions: string[] = [];
  for (const { rule } of decision.rows) {
    const written = compilePostgres(rule, parameterFirst + parameters.length);
    if (!written.ok) return written;
    parameters.push(...written.value.parameters);
    conditions.push(written.value.text);
  }
  const held =
    decision.hitPolicy === 'first'
      ? `(case ${conditions.map((one, row) => `when ${one} then '${row}'`).join(' ')} else '' end)`
      : `(${[`''`, ...conditions.map((one) => `case when ${one} then '1' else '0' end`)].join(' || ')})`;
  const first =
    decision.hitPolicy === 'first' ? `coalesce(nullif(held, ''), '-1')::int` : `strpos(held, '1') - 1`;
  const share = splits(decision, splitOf).map(
    ({ row, start, ends }) =>
      `when ${first} = ${row} then (select case ${ends
        .map((end, index) => `when bucket < ${end} then ${index}`)
        .join(' ')} else ${ends.length - 1} end from backoffice.volume_bucket(${start}, ${seed}) as bucket)`,
  );
  return succeed({
    held: conditions.length === 0 ? `''` : held,
    share: share.length === 0 ? '0' : `(case ${share.join(' ')} else 0 end)`,
    parameters,
  });
}

/** The same in ClickHouse. */
export function decisionInClickHouse<O>(
  decision: CompiledDecision<O>,
  splitOf: SplitOf<O>,
  { seed }: { readonly seed: string },
): Result<Written<Readonly<Record<string, ClickHouseParameter>>>> {
  const parameters: Record<string, ClickHouseParameter> = {};
  const conditions: string[] = [];
  for (const [row, { rule }] of decision.rows.entries()) {
    const written = compileClickHouse(rule, `row${row}`);
    if (!written.ok) return written;
    Object.assign(parameters, written.value.parameters);
    conditions.push(written.value.text);
  }
  const held =
    decision.hitPolicy === 'first'
      ? `multiIf(${conditions.map((one, row) => `${one}, '${row}'`).join(', ')}, '')`
      : `concat('', ${conditions.map((one) => `if(${one}, '1', '0')`).join(', ')})`;
  const first =
    decision.hitPolicy === 'first' ? `if(held = '', -1, toInt32OrZero(held))` : `position(held, '1') - 1`;
  const share = splits(decision, splitOf).map(
    ({ row, start, ends }) =>
      `${first} = ${row}, arrayFirstIndex(end -> ${bucketInClickHouse(start, seed)} < end, [${ends.join(', ')}]) - 1`,
  );
  return succeed({
    held: conditions.length === 0 ? `''` : held,
    share: share.length === 0 ? 'toInt64(0)' : `toInt64(multiIf(${share.join(', ')}, 0))`,
    parameters,
  });
}

/** `bucketOf` from the salt's hash on. Products of two numbers of 32 bits fit into 64, and are cut to 32 again. */
function bucketInClickHouse(start: number, seed: string): string {
  const times = (what: string, by: number) => `toUInt32(bitAnd(toUInt64(${what}) * ${by}, 4294967295))`;
  const shifted = (what: string, by: number) => `bitXor(${what}, bitShiftRight(${what}, ${by}))`;
  const over = `arrayFold((hash, letter) -> ${times(times('bitXor(hash, letter)', 0x01000193), 0x01000193)}, arrayMap(place -> toUInt32(ascii(substring(${seed}, place, 1))), range(1, length(${seed}) + 1)), toUInt32(${start}))`;
  const once = (what: string, then: (name: string) => string, name: string) =>
    `arrayMap(${name} -> ${then(name)}, [${what}])[1]`;
  const first = once(over, (name) => times(shifted(name, 16), 0x85ebca6b), 'h1');
  const second = once(first, (name) => times(shifted(name, 13), 0xc2b2ae35), 'h2');
  return `(${once(second, (name) => shifted(name, 16), 'h3')} % ${bucketsCount})`;
}

/** The default is row -1: its split is salted with nothing. */
function splits<O>({ rows, otherwise }: CompiledDecision<O>, splitOf: SplitOf<O>) {
  const all = rows.map(({ outcome, name }, row) => ({ row, salt: name, ends: splitOf(outcome) }));
  if (otherwise !== null) all.push({ row: -1, salt: '', ends: splitOf(otherwise) });
  return all.flatMap(({ row, salt, ends }) =>
    ends.length > 1 ? [{ row, start: saltHash(salt), ends }] : [],
  );
}

/** The rows that a database found to hold, by number. */
export function heldRows<O>({ hitPolicy }: CompiledDecision<O>, held: string): readonly number[] {
  if (held === '') return [];
  return hitPolicy === 'first'
    ? [Number(held)]
    : held.split('').flatMap((digit, row) => (digit === '1' ? [row] : []));
}
