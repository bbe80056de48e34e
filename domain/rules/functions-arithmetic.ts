/**
 * Arithmetic on whole numbers, exact in every back end. An absent argument makes the result absent, and so does a
 * division by zero. Overflow cannot happen: the checker refuses what could outgrow the widest integers.
 */
import type { RuleOptions } from './ast.schema.ts';
import type { CheckedNode } from './checked.ts';
import { fitConstants } from './fit-constants.ts';
import {
  argument,
  integerType,
  type RuleFunction,
  type RuleFunctions,
  type Signature,
} from './rule-function.ts';
import { isOrdered, isSameType, nameOfType, type RuleType } from './rule-types.ts';

const isAnyNullable = (given: readonly CheckedNode[]): boolean => given.some(({ isNullable }) => isNullable);

const wholeNumber = (value: unknown): bigint | null => (typeof value === 'bigint' ? value : null);

type Step = (left: bigint, right: bigint) => bigint;

const twoNumbers = (
  check: RuleFunction['check'],
  symbol: string,
  step: Step,
  sentence: (left: string, right: string) => string,
): RuleFunction => ({
  argumentsMin: 2,
  argumentsMax: 2,
  cost: 1,
  check,
  closure: (call, compile) => {
    const left = compile.value(argument(call, 0));
    const right = compile.value(argument(call, 1));
    return (facts) => {
      const a = wholeNumber(left(facts));
      const b = wholeNumber(right(facts));
      return a === null || b === null ? null : step(a, b);
    };
  },
  sql: (call, compile) =>
    `(${compile.value(argument(call, 0))} ${symbol} ${compile.value(argument(call, 1))})`,
  sentence: ([left = '', right = '']) => sentence(left, right),
});

/** One kind in, the same kind out; time stamps and durations mix as they do in life. */
const sumSignature =
  (isDifference: boolean) =>
  (given: readonly CheckedNode[]): Signature | string => {
    const [left, right] = given;
    if (left === undefined || right === undefined || left.node === 'list' || right.node === 'list')
      return 'needs two values';
    const digits = Math.max(left.digits, right.digits) + 1;
    const isNullable = isAnyNullable(given);
    if (left.type.kind === 'timestamp' && right.type.kind === 'duration')
      return { arguments: given, type: left.type, isNullable, digits };
    if (left.type.kind === 'timestamp' || right.type.kind === 'timestamp')
      return isDifference && isSameType(left.type, right.type)
        ? { arguments: given, type: { kind: 'duration' }, isNullable, digits }
        : 'can only put a duration to a time stamp, or take one time stamp from another';
    const fitted = fitConstants(given);
    if (typeof fitted === 'string') return fitted;
    const type = fitted[0]?.type ?? integerType;
    if (!isOrdered(type)) return `cannot calculate with ${nameOfType(type)}`;
    return {
      arguments: fitted,
      type,
      isNullable,
      digits: Math.max(...fitted.map((node) => node.digits)) + 1,
    };
  };

function productSignature(given: readonly CheckedNode[]): Signature | string {
  const [left, right] = given;
  if (left === undefined || right === undefined || left.node === 'list' || right.node === 'list')
    return 'needs two values';
  const type = productType(left.type, right.type);
  return typeof type === 'string'
    ? type
    : { arguments: given, type, isNullable: isAnyNullable(given), digits: left.digits + right.digits };
}

function productType(left: RuleType, right: RuleType): RuleType | string {
  const isScalable = ({ kind }: RuleType) => kind === 'money' || kind === 'duration' || kind === 'integer';
  if (right.kind === 'integer' && (isScalable(left) || left.kind === 'decimal')) return left;
  if (left.kind === 'integer' && (isScalable(right) || right.kind === 'decimal')) return right;
  if (left.kind === 'decimal' && right.kind === 'decimal')
    return left.scale + right.scale <= 18
      ? { kind: 'decimal', scale: left.scale + right.scale }
      : 'would have more than 18 decimal places';
  return `cannot multiply ${nameOfType(left)} by ${nameOfType(right)}`;
}

/** Something by a whole number stays what it is; like by like is a decimal with the places that are asked for. */
function quotientSignature(given: readonly CheckedNode[], options: RuleOptions): Signature | string {
  if (options.rounding === undefined) return 'needs a rounding';
  const [left, right] = given;
  if (left === undefined || right === undefined || left.node === 'list' || right.node === 'list')
    return 'needs two values';
  if (left.type.kind === 'timestamp' || right.type.kind === 'timestamp' || !isOrdered(left.type))
    return `cannot divide ${nameOfType(left.type)} by ${nameOfType(right.type)}`;
  const isNullable = isAnyNullable(given) || right.node !== 'constant' || right.value === 0n;
  if (right.type.kind === 'integer' && left.type.kind !== 'integer') {
    if (options.scale !== undefined) return 'takes its places from what is divided: leave "scale" out';
    return { arguments: given, type: left.type, isNullable, digits: left.digits + 1 };
  }
  const fitted = fitConstants(given);
  if (typeof fitted === 'string') return fitted;
  const scale = options.scale ?? 0;
  return {
    arguments: fitted,
    type: scale === 0 ? integerType : { kind: 'decimal', scale },
    isNullable,
    // One for doubling, one for the carry of rounding.
    digits: Math.max(...fitted.map(({ digits }) => digits)) + scale + 2,
  };
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);
const sign = (value: bigint): bigint => (value < 0n ? -1n : value > 0n ? 1n : 0n);

/** Null when the divisor is zero. BigInt division truncates toward zero, as `div` and `intDiv` do. */
function divide(dividend: bigint, divisor: bigint, rounding: RuleOptions['rounding']): bigint | null {
  if (divisor === 0n) return null;
  if (rounding !== 'half-up') return dividend / divisor;
  const quotient = (2n * absolute(dividend) + absolute(divisor)) / (2n * absolute(divisor));
  return sign(dividend) * sign(divisor) * quotient;
}

const extreme = (isLeast: boolean): RuleFunction => ({
  argumentsMin: 2,
  argumentsMax: 2,
  cost: 1,
  repeats: 3,
  check: (given) => {
    if (given.some(({ node }) => node === 'list')) return 'needs two values';
    const fitted = fitConstants(given);
    if (typeof fitted === 'string') return fitted;
    const type = fitted[0]?.type ?? integerType;
    if (!isOrdered(type)) return `asks for an order among ${nameOfType(type)}`;
    return {
      arguments: fitted,
      type,
      isNullable: isAnyNullable(fitted),
      digits: Math.max(...fitted.map(({ digits }) => digits)),
    };
  },
  closure: (call, compile) => {
    const left = compile.value(argument(call, 0));
    const right = compile.value(argument(call, 1));
    return (facts) => {
      const a = wholeNumber(left(facts));
      const b = wholeNumber(right(facts));
      if (a === null || b === null) return null;
      return a <= b === isLeast ? a : b;
    };
  },
  // Not least and greatest: PostgreSQL's skip NULLs, and ClickHouse has changed its mind about them.
  sql: (call, compile, dialect) => {
    const a = compile.value(argument(call, 0));
    const b = compile.value(argument(call, 1));
    return dialect.choose(
      [
        [`(${a} <= ${b})`, isLeast ? a : b],
        [`(${a} > ${b})`, isLeast ? b : a],
      ],
      'null',
    );
  },
  sentence: ([left = '', right = '']) => `the ${isLeast ? 'smaller' : 'larger'} of ${left} and ${right}`,
});

export const arithmeticFunctions: RuleFunctions<
  'add' | 'subtract' | 'multiply' | 'divide' | 'minimum' | 'maximum'
> = {
  add: twoNumbers(
    sumSignature(false),
    '+',
    (a, b) => a + b,
    (left, right) => `(${left} plus ${right})`,
  ),
  subtract: twoNumbers(
    sumSignature(true),
    '-',
    (a, b) => a - b,
    (left, right) => `(${left} minus ${right})`,
  ),
  multiply: twoNumbers(
    productSignature,
    '*',
    (a, b) => a * b,
    (left, right) => `(${left} times ${right})`,
  ),
  divide: {
    argumentsMin: 2,
    argumentsMax: 2,
    options: ['rounding', 'scale'],
    cost: 2,
    repeats: 5,
    check: quotientSignature,
    closure: (call, compile) => {
      const left = compile.value(argument(call, 0));
      const right = compile.value(argument(call, 1));
      const shift = 10n ** BigInt(call.options.scale ?? 0);
      const { rounding } = call.options;
      return (facts) => {
        const a = wholeNumber(left(facts));
        const b = wholeNumber(right(facts));
        return a === null || b === null ? null : divide(a * shift, b, rounding);
      };
    },
    sql: (call, compile, dialect) => {
      const scale = call.options.scale ?? 0;
      const plain = compile.value(argument(call, 0));
      const a = scale === 0 ? plain : `(${plain} * ${dialect.constant(10n ** BigInt(scale))})`;
      const b = compile.value(argument(call, 1));
      if (call.options.rounding !== 'half-up') return dialect.quotient(a, b);
      const two = dialect.constant(2n);
      const size = dialect.absolute(b);
      const quotient = dialect.quotient(`(${two} * ${dialect.absolute(a)} + ${size})`, `(${two} * ${size})`);
      return `(sign(${a}) * sign(${b}) * ${quotient})`;
    },
    sentence: ([left = '', right = ''], { options }) => {
      const places = options.scale === undefined ? '' : ` to ${options.scale} places`;
      return `(${left} divided by ${right}, rounded ${options.rounding === 'down' ? 'down' : 'to the nearest'}${places})`;
    },
  },
  minimum: extreme(true),
  maximum: extreme(false),
};
