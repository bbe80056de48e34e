/** Conditions upon conditions, presence, and the choice between values. */
import type { CheckedNode } from './checked.ts';
import { fitConstants } from './fit-constants.ts';
import { argument, booleanType, type Holds, type RuleFunction, type RuleFunctions } from './rule-function.ts';

const areConditions = (given: readonly CheckedNode[]): boolean =>
  given.every(({ node, type }) => type.kind === 'boolean' && node !== 'list');

const condition = (given: readonly CheckedNode[]) => ({
  arguments: given,
  type: booleanType,
  isNullable: false,
});

/** Cheapest first: all conditions are total and pure, so the order changes the cost and nothing else. */
const cheapestFirst = (given: readonly CheckedNode[]): readonly CheckedNode[] =>
  given.toSorted((left, right) => left.cost - right.cost);

const joined = (word: 'and' | 'or'): RuleFunction => ({
  argumentsMin: 2,
  argumentsMax: 100,
  cost: 0,
  check: (given) =>
    areConditions(given) ? condition(given) : `joins conditions, and something is not true or false`,
  closure: (call, compile) => {
    const conditions: readonly Holds[] = cheapestFirst(call.arguments).map(compile.condition);
    // Right to left into pairs: a chain of calls that the compiler can inline, where a loop over an array cannot be.
    return conditions.reduceRight((rest, first) =>
      word === 'and' ? (facts) => first(facts) && rest(facts) : (facts) => first(facts) || rest(facts),
    );
  },
  sql: (call, compile) => `(${cheapestFirst(call.arguments).map(compile.condition).join(` ${word} `)})`,
  sentence: (given) =>
    given.map((one, index) => (index === 0 ? one : `${word} ${one}`)).join(given.length > 2 ? ', ' : ' '),
});

const presence = (isWanted: boolean): RuleFunction => ({
  argumentsMin: 1,
  argumentsMax: 1,
  cost: 1,
  check: (given) => (given[0]?.node === 'list' ? 'asks whether a list is there' : condition(given)),
  closure: (call, compile) => {
    const value = compile.value(argument(call, 0));
    return isWanted ? (facts) => value(facts) !== null : (facts) => value(facts) === null;
  },
  sql: (call, compile) => `(${compile.value(argument(call, 0))} is ${isWanted ? 'not ' : ''}null)`,
  sentence: ([value = '']) => `${value} is ${isWanted ? 'known' : 'not known'}`,
});

export const logicFunctions: RuleFunctions<'and' | 'or' | 'not' | 'isPresent' | 'isAbsent' | 'choose'> = {
  and: joined('and'),
  or: joined('or'),
  not: {
    argumentsMin: 1,
    argumentsMax: 1,
    cost: 0,
    check: (given) =>
      areConditions(given) ? condition(given) : 'negates something that is not true or false',
    closure: (call, compile) => {
      const holds = compile.condition(argument(call, 0));
      return (facts) => !holds(facts);
    },
    // Its argument is never NULL, so this is plain negation in every back end.
    sql: (call, compile) => `(not ${compile.condition(argument(call, 0))})`,
    sentence: ([value = '']) => `it is not so that ${value}`,
  },
  isPresent: presence(true),
  isAbsent: presence(false),
  choose: {
    argumentsMin: 3,
    argumentsMax: 41,
    cost: 1,
    check: (given) => {
      if (given.length % 2 === 0)
        return 'needs pairs of condition and value, and a value for all other cases';
      const isCondition = (index: number) => index % 2 === 0 && index < given.length - 1;
      if (!areConditions(given.filter((_, index) => isCondition(index))))
        return 'chooses by something that is not true or false';
      const values = given.filter((_, index) => !isCondition(index));
      if (values.some(({ node }) => node === 'list')) return 'cannot choose a list';
      const fitted = fitConstants(values);
      if (typeof fitted === 'string') return fitted;
      const [first] = fitted;
      if (first === undefined) return 'has no value to choose';
      return {
        arguments: given.map((node, index) =>
          isCondition(index)
            ? node
            : (fitted[index === given.length - 1 ? fitted.length - 1 : (index - 1) / 2] ?? node),
        ),
        type: first.type,
        isNullable: fitted.some(({ isNullable }) => isNullable),
        digits: Math.max(...fitted.map(({ digits }) => digits)),
      };
    },
    closure: (call, compile) => {
      const otherwise = compile.value(argument(call, call.arguments.length - 1));
      const pairs = pairsOf(call.arguments).map(
        ([when, then]) => [compile.condition(when), compile.value(then)] as const,
      );
      return (facts) => {
        for (const [holds, value] of pairs) if (holds(facts)) return value(facts);
        return otherwise(facts);
      };
    },
    sql: (call, compile, dialect) =>
      dialect.choose(
        pairsOf(call.arguments).map(
          ([when, then]) => [compile.condition(when), compile.value(then)] as const,
        ),
        compile.value(argument(call, call.arguments.length - 1)),
      ),
    sentence: (given) => {
      const cases = pairsOf(given).map(([when, then]) => `${then} if ${when}`);
      return `(${cases.join(', ')}, otherwise ${given.at(-1) ?? ''})`;
    },
  },
};

const pairsOf = <T>(given: readonly T[]): readonly (readonly [T, T])[] =>
  given.flatMap((when, index) => {
    const then = given[index + 1];
    return index % 2 === 0 && then !== undefined ? [[when, then] as const] : [];
  });
