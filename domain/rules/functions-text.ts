/** Functions of texts. No regular expressions: their cost is not bounded, and no two engines read them the same. */
import type { CheckedNode } from './checked.ts';
import {
  argument,
  booleanType,
  integerType,
  type RuleFunction,
  type RuleFunctions,
} from './rule-function.ts';

const areTexts = (given: readonly CheckedNode[]): boolean =>
  given.every(({ node, type }) => type.kind === 'string' && node !== 'list');

const partOfText = (
  words: string,
  dialectName: 'contains' | 'startsWith',
  holds: (text: string, part: string) => boolean,
): RuleFunction => ({
  argumentsMin: 2,
  argumentsMax: 2,
  cost: 5,
  check: (given) =>
    areTexts(given)
      ? { arguments: given, type: booleanType, isNullable: false }
      : 'looks into something that is not a text',
  closure: (call, compile) => {
    const text = compile.value(argument(call, 0));
    const part = compile.value(argument(call, 1));
    return (facts) => {
      const a = text(facts);
      const b = part(facts);
      return typeof a === 'string' && typeof b === 'string' && holds(a, b);
    };
  },
  sql: (call, compile, dialect) =>
    dialect.orFalse(dialect[dialectName](compile.value(argument(call, 0)), compile.value(argument(call, 1)))),
  sentence: ([text = '', part = '']) => `${text} ${words} ${part}`,
});

/** A to Z only: what else is upper case depends on locale and Unicode version, and so on the database. */
const lowerAscii = (text: string): string => text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase());

export const textFunctions: RuleFunctions<'contains' | 'containsAny' | 'startsWith' | 'lower' | 'length'> = {
  contains: partOfText('contains', 'contains', (text, part) => text.includes(part)),
  startsWith: partOfText('starts with', 'startsWith', (text, part) => text.startsWith(part)),
  containsAny: {
    argumentsMin: 2,
    argumentsMax: 2,
    cost: 20,
    check: (given) => {
      const [text, list] = given;
      return text?.node !== 'list' &&
        text?.type.kind === 'string' &&
        list?.node === 'list' &&
        list.type.kind === 'string'
        ? { arguments: given, type: booleanType, isNullable: false }
        : 'needs a text and a literal list of texts';
    },
    closure: (call, compile) => {
      const text = compile.value(argument(call, 0));
      const list = argument(call, 1);
      const parts = list.node === 'list' ? list.values.map(String) : [];
      return (facts) => {
        const value = text(facts);
        return typeof value === 'string' && parts.some((part) => value.includes(part));
      };
    },
    sql: (call, compile, dialect) =>
      dialect.orFalse(
        dialect.containsAny(compile.value(argument(call, 0)), compile.value(argument(call, 1))),
      ),
    sentence: ([text = '', list = '']) => `${text} contains one of ${list}`,
  },
  lower: {
    argumentsMin: 1,
    argumentsMax: 1,
    cost: 3,
    check: (given) => {
      const [text] = given;
      return text !== undefined && areTexts(given)
        ? { arguments: given, type: text.type, isNullable: text.isNullable }
        : 'turns something to lower case that is not a text';
    },
    closure: (call, compile) => {
      const text = compile.value(argument(call, 0));
      return (facts) => {
        const value = text(facts);
        return typeof value === 'string' ? lowerAscii(value) : null;
      };
    },
    sql: (call, compile, dialect) => dialect.lower(compile.value(argument(call, 0))),
    sentence: ([text = '']) => `${text} in lower case`,
  },
  length: {
    argumentsMin: 1,
    argumentsMax: 1,
    cost: 3,
    check: (given) => {
      const [text] = given;
      return text !== undefined && areTexts(given)
        ? { arguments: given, type: integerType, isNullable: text.isNullable, digits: 10 }
        : 'measures something that is not a text';
    },
    closure: (call, compile) => {
      const text = compile.value(argument(call, 0));
      return (facts) => {
        const value = text(facts);
        // In code points, as the databases count.
        return typeof value === 'string' ? BigInt(Array.from(value).length) : null;
      };
    },
    sql: (call, compile, dialect) => dialect.length(compile.value(argument(call, 0))),
    sentence: ([text = '']) => `the number of characters of ${text}`,
  },
};
