/**
 * Comparisons: each is false as soon as one side is absent, also "is not" and "is none of", in every back end. SQL's
 * unknown never leaves a comparison.
 */
import type { CheckedNode } from './checked.ts';
import { fitConstants } from './fit-constants.ts';
import {
  argument,
  booleanType,
  type Evaluate,
  type RuleFunction,
  type RuleFunctions,
  type Signature,
} from './rule-function.ts';
import { isOrdered, nameOfType } from './rule-types.ts';

function signature(given: readonly CheckedNode[], isOrderNeeded: boolean): Signature | string {
  if (given.some(({ node }) => node === 'list')) return 'compares a list; use "in"';
  const fitted = fitConstants(given);
  if (typeof fitted === 'string') return fitted;
  const type = fitted[0]?.type ?? booleanType;
  // The order of texts is a matter of collations, on which databases disagree.
  if (isOrderNeeded && !isOrdered(type)) return `asks for an order among ${nameOfType(type)}`;
  return { arguments: fitted, type: booleanType, isNullable: false };
}

const comparison = (
  symbol: string,
  words: string,
  isOrderNeeded: boolean,
  closure: (left: Evaluate, right: Evaluate) => Evaluate,
): RuleFunction => ({
  argumentsMin: 2,
  argumentsMax: 2,
  cost: 1,
  check: (given) => signature(given, isOrderNeeded),
  closure: (call, compile) => closure(compile.value(argument(call, 0)), compile.value(argument(call, 1))),
  sql: (call, compile, dialect) =>
    dialect.orFalse(`${compile.value(argument(call, 0))} ${symbol} ${compile.value(argument(call, 1))}`),
  sentence: ([left = '', right = '']) => `${left} ${words} ${right}`,
});

const membership = (isWanted: boolean): RuleFunction => ({
  argumentsMin: 2,
  argumentsMax: 2,
  cost: 2,
  check: (given) => {
    const [item, list] = given;
    if (item === undefined || list?.node !== 'list' || item.node === 'list')
      return 'needs a value and a literal list';
    const fitted = fitConstants(given);
    return typeof fitted === 'string' ? fitted : { arguments: fitted, type: booleanType, isNullable: false };
  },
  closure: (call, compile) => {
    const item = compile.value(argument(call, 0));
    const list = argument(call, 1);
    const known = new Set<unknown>(list.node === 'list' ? list.values : []);
    return (facts) => {
      const value = item(facts);
      return value !== null && known.has(value) === isWanted;
    };
  },
  sql: (call, compile, dialect) => {
    const found = dialect.isOneOf(compile.value(argument(call, 0)), compile.value(argument(call, 1)));
    return dialect.orFalse(isWanted ? found : `not ${found}`);
  },
  sentence: ([item = '', list = '']) => `${item} is ${isWanted ? 'one' : 'none'} of ${list}`,
});

export const comparisonFunctions: RuleFunctions<
  'equal' | 'notEqual' | 'less' | 'lessOrEqual' | 'greater' | 'greaterOrEqual' | 'between' | 'in' | 'notIn'
> = {
  equal: comparison('=', 'is', false, (left, right) => (facts) => {
    const a = left(facts);
    return a !== null && a === right(facts);
  }),
  notEqual: comparison('<>', 'is not', false, (left, right) => (facts) => {
    const a = left(facts);
    const b = right(facts);
    return a !== null && b !== null && a !== b;
  }),
  less: comparison('<', 'is less than', true, (left, right) => (facts) => {
    const a = left(facts);
    const b = right(facts);
    return a !== null && b !== null && a < b;
  }),
  lessOrEqual: comparison('<=', 'is at most', true, (left, right) => (facts) => {
    const a = left(facts);
    const b = right(facts);
    return a !== null && b !== null && a <= b;
  }),
  greater: comparison('>', 'is more than', true, (left, right) => (facts) => {
    const a = left(facts);
    const b = right(facts);
    return a !== null && b !== null && a > b;
  }),
  greaterOrEqual: comparison('>=', 'is at least', true, (left, right) => (facts) => {
    const a = left(facts);
    const b = right(facts);
    return a !== null && b !== null && a >= b;
  }),
  between: {
    argumentsMin: 3,
    argumentsMax: 3,
    cost: 2,
    check: (given) => signature(given, true),
    closure: (call, compile) => {
      const value = compile.value(argument(call, 0));
      const low = compile.value(argument(call, 1));
      const high = compile.value(argument(call, 2));
      return (facts) => {
        const a = value(facts);
        const min = low(facts);
        const max = high(facts);
        return a !== null && min !== null && max !== null && a >= min && a <= max;
      };
    },
    // An absent bound makes SQL's answer false or unknown, and both are false here.
    sql: (call, compile, dialect) =>
      dialect.orFalse(
        `${compile.value(argument(call, 0))} between ${compile.value(argument(call, 1))} and ${compile.value(argument(call, 2))}`,
      ),
    sentence: ([value = '', low = '', high = '']) => `${value} is from ${low} to ${high}`,
  },
  in: membership(true),
  notIn: membership(false),
};
