/** A rule in plain English, for editors, audit trails and differences between versions. */
import type { CheckedRule } from './check.ts';
import type { CheckedNode } from './checked.ts';
import { valueText } from './constants.ts';
import { ruleFunctions } from './function-registry.ts';

type Parent = 'and' | 'or' | 'not' | 'other';

/**
 * The whole condition as one clause, without a full stop: "the amount in EUR is at least 100.00 EUR and …". Two rules with
 * one sentence have the same answers: whoever approves by the sentence approves the rule. So lists are told whole.
 */
export const sentenceOf = ({ root }: CheckedRule): string => render(root, null);

/** One node of a condition; the trace shows parts of it. */
export function render(node: CheckedNode, parent: Parent | null): string {
  switch (node.node) {
    case 'constant':
      return valueText(node.value, node.type);
    case 'list':
      return node.values.map((value) => valueText(value, node.type)).join(', ');
    case 'variable':
      return node.field.label;
    case 'operation': {
      const { operator } = node;
      const own =
        operator === 'and' || operator === 'or' || operator === 'not' ? operator : ('other' as const);
      const text = ruleFunctions[operator].sentence(
        node.arguments.map((one) => render(one, own)),
        node,
      );
      return isBracketed(node, own, parent) ? `(${text})` : text;
    }
  }
}

/** "a and b or c", and "a is b is known", would be read differently by every reader. */
const isBracketed = (node: CheckedNode, own: Parent, parent: Parent | null): boolean =>
  own === 'and' || own === 'or'
    ? parent !== null
    : parent === 'other' &&
      node.type.kind === 'boolean' &&
      !(node.node === 'operation' && node.operator === 'choose');
