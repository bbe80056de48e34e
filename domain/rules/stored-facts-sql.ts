/**
 * How SQL reads the facts that were stored with a decision: only the fields that a rule asks for, opened once per row,
 * under the alias `f`. It belongs to the form that `facts.ts` writes.
 */
import type { Field } from './catalogue.ts';
import type { CheckedNode } from './checked.ts';
import type { RuleKind } from './rule-types.ts';

/**
 * The fields with their SQL over stored facts. What is sensitive stays in the primary database, so it has no ClickHouse
 * expression, and a rule that asks for it is refused there.
 */
export const readFromStored = (fields: readonly Field[]): readonly Field[] =>
  fields.map((field) => {
    const isTime = field.type.kind === 'timestamp';
    const [inPostgres, inClickHouse] = [`f."${field.name}"`, `tupleElement(f, '${field.name}')`];
    return {
      ...field,
      // Stored as whole microseconds; both expressions are exact, a double has 53 bits and these need 52.
      postgres: isTime
        ? `(timestamptz 'epoch' + ${inPostgres}::bigint * interval '1 microsecond')`
        : inPostgres,
      ...(field.isSensitive === true
        ? {}
        : {
            clickhouse: isTime
              ? `fromUnixTimestamp64Micro(CAST(${inClickHouse} AS Nullable(Int64)), 'UTC')`
              : inClickHouse,
          }),
    };
  });

/** The fields that a condition asks for, each once, in the order of their names. */
export function fieldsOf(roots: readonly CheckedNode[]): readonly Field[] {
  const found = new Map<string, Field>();
  const look = (node: CheckedNode): void => {
    if (node.node === 'variable') found.set(node.field.name, node.field);
    if (node.node === 'operation') node.arguments.forEach(look);
  };
  roots.forEach(look);
  return [...found.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** To be joined laterally: opens a jsonb column once. Empty where nothing is asked for. */
export const storedInPostgres = (fields: readonly Field[], column: string): string =>
  fields.length === 0
    ? ''
    : `cross join lateral jsonb_to_record(${column}) as f(${fields
        .map(({ name, type }) => `"${name}" ${postgresTypes(type.kind)}`)
        .join(', ')})`;

/** A column of the select: the facts as a named tuple. A value that is not there is null in both. */
export const storedInClickHouse = (fields: readonly Field[], column: string): string =>
  fields.length === 0
    ? ''
    : `, JSONExtract(${column}, 'Tuple(${fields
        .map(
          ({ name, type }) =>
            `\`${name}\` ${type.kind === 'boolean' ? 'Nullable(Bool)' : 'Nullable(String)'}`,
        )
        .join(', ')})') as f`;

function postgresTypes(kind: RuleKind): string {
  switch (kind) {
    case 'boolean':
      return 'boolean';
    case 'integer':
    case 'decimal':
    case 'money':
    case 'duration':
    case 'timestamp':
      return 'numeric';
    case 'string':
    case 'enum':
    case 'country':
      return 'text';
  }
}
