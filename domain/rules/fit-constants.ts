/**
 * Gives arguments that meet in one function one type. Only constants are fitted (an enum's word to the field's words,
 * a decimal to the field's places); between fields nothing is converted silently.
 */
import type { CheckedNode } from './checked.ts';
import { digitsOf } from './checked.ts';
import { isSameType, nameOfType, type RuleType } from './rule-types.ts';

const isLiteral = ({ node }: CheckedNode): boolean => node === 'constant' || node === 'list';

/** The arguments as one type, or the problem in words. */
export function fitConstants(given: readonly CheckedNode[]): readonly CheckedNode[] | string {
  const leader = given.find((node) => !isLiteral(node)) ?? finest(given);
  if (leader === undefined) return 'has nothing to work on';
  if (leader.type.kind === 'enum' && isLiteral(leader)) return 'compares a word of a list with no field';
  const fitted: CheckedNode[] = [];
  for (const node of given) {
    const one = isLiteral(node) ? fit(node, leader.type) : node;
    if (typeof one === 'string') return one;
    if (!isSameType(one.type, leader.type))
      return `cannot bring together ${nameOfType(leader.type)} and ${nameOfType(one.type)}`;
    fitted.push(one);
  }
  return fitted;
}

/** Among literals alone the decimal with the most places leads. */
const finest = (given: readonly CheckedNode[]): CheckedNode | undefined =>
  given.toSorted(({ type: left }, { type: right }) =>
    left.kind === 'decimal' && right.kind === 'decimal' ? right.scale - left.scale : 0,
  )[0];

function fit(literal: CheckedNode, wanted: RuleType): CheckedNode | string {
  const { type } = literal;
  if (wanted.kind === 'enum' && type.kind === 'enum') {
    const words =
      literal.node === 'list' ? literal.values : literal.node === 'constant' ? [literal.value] : [];
    const foreign = words.find((word) => !wanted.values.includes(String(word)));
    return foreign === undefined
      ? { ...literal, type: wanted }
      : `${String(foreign)} is not ${nameOfType(wanted)}`;
  }
  if (wanted.kind === 'decimal' && type.kind === 'decimal' && literal.node === 'constant') {
    if (type.scale > wanted.scale) return `needs a decimal with at most ${wanted.scale} places`;
    if (typeof literal.value !== 'bigint') return literal;
    const value = literal.value * 10n ** BigInt(wanted.scale - type.scale);
    return { ...literal, type: wanted, value, digits: digitsOf(value) };
  }
  return literal;
}
