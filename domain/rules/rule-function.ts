/**
 * What every function of the rule language declares: its signature, cost, what absence does, and its rendering in each
 * back end and in the sentence, in one place, so that a new function cannot be known to one of them alone.
 */
import type { OperatorName, RuleOptions } from './ast.schema.ts';
import type { CheckedNode, CheckedOperation } from './checked.ts';
import type { Facts, RuleType, RuleValue } from './rule-types.ts';

export type Evaluate = (facts: Facts) => RuleValue;
export type Holds = (facts: Facts) => boolean;

/** Compiles an argument: to its value, or to a condition that is false where the value is absent. */
export type ClosureCompiler = {
  readonly value: (node: CheckedNode) => Evaluate;
  readonly condition: (node: CheckedNode) => Holds;
};

/** What a database calls the few things that PostgreSQL and ClickHouse do not call the same. */
export type Dialect = {
  readonly constant: (value: bigint | string | boolean) => string;
  readonly list: (values: readonly (bigint | string)[]) => string;
  readonly orFalse: (sql: string) => string;
  readonly absolute: (sql: string) => string;
  /** Truncated toward zero; NULL when the divisor is zero or either is NULL. Writes the divisor twice at most. */
  readonly quotient: (dividend: string, divisor: string) => string;
  readonly isOneOf: (sql: string, list: string) => string;
  readonly contains: (text: string, part: string) => string;
  readonly containsAny: (text: string, list: string) => string;
  readonly startsWith: (text: string, part: string) => string;
  readonly lower: (text: string) => string;
  readonly length: (text: string) => string;
  /** The first pair whose condition is true; conditions may be NULL. */
  readonly choose: (pairs: readonly (readonly [string, string])[], otherwise: string) => string;
  readonly timePart: (microseconds: string, part: TimePart, zone: string) => string;
};

export type TimePart = NonNullable<RuleOptions['part']>;

/** Renders an argument as SQL: its value, or a condition that is never NULL. */
export type SqlCompiler = {
  readonly value: (node: CheckedNode) => string;
  readonly condition: (node: CheckedNode) => string;
};

export type Signature = {
  /** The arguments, with constants fitted to the type of what they meet. */
  readonly arguments: readonly CheckedNode[];
  readonly type: RuleType;
  readonly isNullable: boolean;
  readonly digits?: number;
};

export type RuleFunction = {
  readonly argumentsMin: number;
  readonly argumentsMax: number;
  /** Options that it takes; any other is refused. */
  readonly options?: readonly (keyof RuleOptions)[];
  /** What it costs itself; a comparison of two numbers is 1. */
  readonly cost: number;
  /** How often a back end writes one argument at most, 1 unless said: repeats multiply the cost of what is below. */
  readonly repeats?: number;
  /** A string is a problem, in words. */
  readonly check: (given: readonly CheckedNode[], options: RuleOptions) => Signature | string;
  readonly closure: (call: CheckedOperation, compile: ClosureCompiler) => Evaluate;
  readonly sql: (call: CheckedOperation, compile: SqlCompiler, dialect: Dialect) => string;
  readonly sentence: (given: readonly string[], call: CheckedOperation) => string;
};

export type RuleFunctions<Name extends OperatorName = OperatorName> = Readonly<Record<Name, RuleFunction>>;

/** An argument that the signature has promised. */
export function argument(call: CheckedOperation, index: number): CheckedNode {
  const found = call.arguments[index];
  if (found === undefined) throw new Error(`Invariant broken: ${call.operator} has no argument ${index}`);
  return found;
}

export const booleanType: RuleType = { kind: 'boolean' };
export const integerType: RuleType = { kind: 'integer' };
