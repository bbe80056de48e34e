/** Cells of a decision table as conditions of the one rule language, so that a table has no semantics of its own. */
import { fail, succeed, type Result } from '../failures.ts';
import { constantSchema, type OperatorName, type RuleConstant, type RuleNode } from './ast.schema.ts';
import type { Catalogue, Field } from './catalogue.ts';
import type { Cell, TableDecision } from './decision.schema.ts';

const call = (operator: OperatorName, ...given: RuleNode[]): RuleNode => ({
  node: 'operation',
  operator,
  arguments: given,
});

/** The fields of the columns. Failure: `rule-invalid` for one that the catalogue does not have, or has twice. */
export function columnsOf(
  table: Pick<TableDecision<unknown>, 'columns'>,
  catalogue: Catalogue,
): Result<readonly Field[]> {
  const fields: Field[] = [];
  for (const [index, name] of table.columns.entries()) {
    const field = catalogue.fields.get(name);
    const pointer = `/columns/${index}`;
    if (field === undefined) return refuse(pointer, `There is no field ${name} in ${catalogue.name}.`);
    if (fields.includes(field)) return refuse(pointer, `The column ${name} is there twice.`);
    fields.push(field);
  }
  return succeed(fields);
}

/** One row as a condition; a row of empty cells always holds. Failure: `rule-invalid`. */
export function rowCondition(fields: readonly Field[], cells: readonly Cell[]): Result<RuleNode> {
  if (cells.length !== fields.length)
    return refuse('/cells', `A row has one cell for each of the ${fields.length} columns.`);
  const conditions: RuleNode[] = [];
  for (const [index, field] of fields.entries()) {
    const cell = cells[index];
    if (cell === undefined || cell.is === 'any') continue;
    const condition = cellCondition(field, cell);
    if (typeof condition === 'string') return refuse(`/cells/${index}`, condition);
    conditions.push(condition);
  }
  const [first, ...more] = conditions;
  if (first === undefined) return succeed({ node: 'constant', type: 'boolean', value: true });
  return succeed(more.length === 0 ? first : call('and', ...conditions));
}

/** A string is the problem, in words. */
function cellCondition(field: Field, cell: Exclude<Cell, { is: 'any' }>): RuleNode | string {
  const variable: RuleNode = { node: 'variable', name: field.name };
  switch (cell.is) {
    case 'present':
      return call('isPresent', variable);
    case 'absent':
      return call('isAbsent', variable);
    case 'in':
    case 'notIn':
      return listCondition(field, cell, variable);
    case 'range': {
      if (cell.min === undefined && cell.max === undefined) return 'A range has a lower or an upper bound.';
      const bounds: RuleNode[] = [];
      for (const [text, operator] of [
        [cell.min, 'greaterOrEqual'],
        [cell.max, 'less'],
      ] as const) {
        if (text === undefined) continue;
        const bound = cellConstant(field, text);
        if (typeof bound === 'string') return bound;
        bounds.push(call(operator, variable, bound));
      }
      const [only, second] = bounds;
      return second === undefined && only !== undefined ? only : call('and', ...bounds);
    }
  }
}

function listCondition(
  { type }: Field,
  { is, values }: Extract<Cell, { is: 'in' | 'notIn' }>,
  variable: RuleNode,
): RuleNode | string {
  if (type.kind === 'boolean') {
    const [only, ...more] = values;
    if (more.length > 0 || (only !== 'true' && only !== 'false'))
      return 'A cell of this column is "true" or "false".';
    const constant: RuleNode = { node: 'constant', type: 'boolean', value: only === 'true' };
    return call(is === 'in' ? 'equal' : 'notEqual', variable, constant);
  }
  if (type.kind !== 'integer' && type.kind !== 'string' && type.kind !== 'enum' && type.kind !== 'country')
    return `A ${type.kind} is compared by a range.`;
  return call(is, variable, { node: 'constant', type: 'list', of: type.kind, values: [...values] });
}

/** A bound of a range, as the constant that the column's type asks for. */
export function cellConstant({ type }: Field, value: string): RuleConstant | string {
  const parsed = constantSchema.safeParse({
    node: 'constant',
    type: type.kind,
    value,
    ...(type.kind === 'money' ? { asset: type.asset } : {}),
  });
  return parsed.success ? parsed.data : `"${value.slice(0, 40)}" is no ${type.kind}.`;
}

const refuse = (pointer: string, detail: string) =>
  fail('rule-invalid', detail, { fields: [{ pointer, detail }] });
