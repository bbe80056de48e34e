/** A rule after the type checker: every node knows its type, whether it may be absent, and what it costs. */
import type { OperatorName, RuleOptions } from './ast.schema.ts';
import type { Field } from './catalogue.ts';
import type { RuleType, RuleValue } from './rule-types.ts';

type Checked = {
  readonly type: RuleType;
  /** It may be absent; a boolean operation never is. */
  readonly isNullable: boolean;
  /** Cost units of evaluating it once, in the back end that repeats its arguments most. */
  readonly cost: number;
  /** A bound on the decimal digits of a whole number, so that no back end can overflow; 0 for other types. */
  readonly digits: number;
};

export type CheckedConstant = Checked & {
  readonly node: 'constant';
  readonly value: Exclude<RuleValue, null>;
};
/** `type` is that of one item. */
export type CheckedList = Checked & { readonly node: 'list'; readonly values: readonly (bigint | string)[] };
export type CheckedVariable = Checked & { readonly node: 'variable'; readonly field: Field };
export type CheckedOperation = Checked & {
  readonly node: 'operation';
  readonly operator: OperatorName;
  readonly arguments: readonly CheckedNode[];
  readonly options: RuleOptions;
};

export type CheckedNode = CheckedConstant | CheckedList | CheckedVariable | CheckedOperation;

/** Decimal digits of a whole number, for the bounds. */
export const digitsOf = (value: bigint): number => (value < 0n ? -value : value).toString().length;
