/** A rule in plain English, for editors, audit trails and differences between versions. */
import type { CheckedRule } from './check.ts';
import type { CheckedNode } from './checked.ts';
import { valueText } from './constants.ts';
import { ruleFunctions } from './function-registry.ts';

const listShownMax = 12;

/** The whole condition as one clause, without a full stop: "the amount in EUR is at least 100.00 EUR and …". */
export const sentenceOf = ({ root }: CheckedRule): string => render(root, null);

/** One node of a condition; the trace shows parts of it. */
export function render(node: CheckedNode, parent: 'and' | 'or' | 'other' | null): string {
  switch (node.node) {
    case 'constant':
      return valueText(node.value, node.type);
    case 'list': {
      const shown = node.values.slice(0, listShownMax).map((value) => valueText(value, node.type));
      const rest = node.values.length - shown.length;
      return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
    }
    case 'variable':
      return node.field.label;
    case 'operation': {
      const { operator } = node;
      const own = operator === 'and' || operator === 'or' ? operator : 'other';
      const text = ruleFunctions[operator].sentence(
        node.arguments.map((one) => render(one, own)),
        node,
      );
      // "a and b or c" would be read differently by every reader.
      return own !== 'other' && parent !== null ? `(${text})` : text;
    }
  }
}
