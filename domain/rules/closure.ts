/**
 * The back end of the hot path: a checked rule as nested closures, compiled once per version. Values are reached through
 * `Map.get` by catalogue name alone, so that no name reaches a prototype; no code is made from text.
 */
import type { CheckedRule } from './check.ts';
import type { CheckedNode } from './checked.ts';
import { ruleFunctions } from './function-registry.ts';
import type { ClosureCompiler, Evaluate, Holds } from './rule-function.ts';

/** Compiles a condition. The closure is total: it neither throws nor answers anything but true and false. */
export const compileCondition = ({ root }: CheckedRule): Holds => condition(root);

function value(node: CheckedNode): Evaluate {
  switch (node.node) {
    case 'constant': {
      const constant = node.value;
      return () => constant;
    }
    case 'variable': {
      const { name } = node.field;
      return (facts) => facts.get(name) ?? null;
    }
    case 'operation':
      return ruleFunctions[node.operator].closure(node, compiler);
    case 'list':
      throw new Error('Invariant broken: a list is no value of its own');
  }
}

function condition(node: CheckedNode): Holds {
  if (node.node === 'constant') {
    const holds = node.value === true;
    return () => holds;
  }
  const evaluate = value(node);
  // Boolean operations answer true or false by construction; wrapping them once more would cost a call each.
  if (node.node === 'operation' && !node.isNullable) return evaluate as Holds;
  return (facts) => evaluate(facts) === true;
}

const compiler: ClosureCompiler = { value, condition };
