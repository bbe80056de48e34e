/**
 * The part that both SQL back ends share: walks a checked rule and lets the functions write it in the words of a
 * dialect. Values of the author's are parameters, always; only catalogue expressions and our own words are text.
 */
import { fail, succeed, type Result } from '../failures.ts';
import type { CheckedRule } from './check.ts';
import type { CheckedNode } from './checked.ts';
import type { Field } from './catalogue.ts';
import { ruleFunctions } from './function-registry.ts';
import type { Dialect, SqlCompiler } from './rule-function.ts';

export type SqlDialect = Dialect & {
  /** A field's value in its running representation, or null where this back end does not have it. */
  readonly field: (field: Field) => string | null;
};

/**
 * The rule as one SQL expression that is true or false and never NULL. Failure: `rule-invalid` when a field is not known
 * to this back end.
 */
export function writeSql({ root }: CheckedRule, dialect: SqlDialect, backEnd: string): Result<string> {
  const missing: string[] = [];
  const compile: SqlCompiler = {
    value: (node) => {
      switch (node.node) {
        case 'constant':
          return dialect.constant(node.value);
        case 'list':
          return dialect.list(node.values);
        case 'variable': {
          const text = dialect.field(node.field);
          if (text === null) missing.push(node.field.name);
          return text ?? 'null';
        }
        case 'operation':
          return ruleFunctions[node.operator].sql(node, compile, dialect);
      }
    },
    condition: (node) => (isTotal(node) ? compile.value(node) : dialect.orFalse(compile.value(node))),
  };
  const text = compile.condition(root);
  return missing.length === 0
    ? succeed(text)
    : fail('rule-invalid', `${backEnd} does not have ${[...new Set(missing)].join(', ')}.`);
}

/** Operations that are never NULL by construction; of fields the database's word is not enough. */
const isTotal = (node: CheckedNode): boolean => node.node === 'operation' && !node.isNullable;
