/**
 * The types of the rule language and what values look like while a rule runs. There are three representations only
 * (boolean, whole number, text), because floats, decimals and time stamps are where databases begin to disagree.
 */

export type RuleType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer' }
  /** Runs as a whole number of 10^-scale. */
  | { readonly kind: 'decimal'; readonly scale: number }
  /** Runs as units at the asset's ledger scale. Money of two assets is of two types. */
  | { readonly kind: 'money'; readonly asset: string }
  | { readonly kind: 'string' }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  /** ISO 3166-1 alpha-2. */
  | { readonly kind: 'country' }
  /** Runs as microseconds since 1970-01-01T00:00:00Z. */
  | { readonly kind: 'timestamp' }
  /** Runs as microseconds. */
  | { readonly kind: 'duration' };

export type RuleKind = RuleType['kind'];

/** Null is an absent value, in every type. */
export type RuleValue = boolean | bigint | string | null;

/** What a rule is asked about: values by catalogue name. A name that is not there is absent. */
export type Facts = ReadonlyMap<string, RuleValue>;

const wholeNumbers: ReadonlySet<RuleKind> = new Set(['integer', 'decimal', 'money', 'timestamp', 'duration']);

/** True for types that have an order and run as whole numbers. */
export const isOrdered = ({ kind }: RuleType): boolean => wholeNumbers.has(kind);

/** True when both may stand in one comparison. Enums must have the same values, money the same asset. */
export function isSameType(left: RuleType, right: RuleType): boolean {
  switch (left.kind) {
    case 'decimal':
      return right.kind === 'decimal' && left.scale === right.scale;
    case 'money':
      return right.kind === 'money' && left.asset === right.asset;
    case 'enum':
      return right.kind === 'enum' && left.values.join('\n') === right.values.join('\n');
    case 'boolean':
    case 'integer':
    case 'string':
    case 'country':
    case 'timestamp':
    case 'duration':
      return left.kind === right.kind;
  }
}

/** A type in words, for problems. */
export function nameOfType(type: RuleType): string {
  switch (type.kind) {
    case 'money':
      return `money in ${type.asset}`;
    case 'decimal':
      return `a decimal with ${type.scale} places`;
    case 'enum':
      return `one of ${type.values.join(', ')}`;
    case 'integer':
      return 'a whole number';
    case 'string':
      return 'a text';
    case 'boolean':
    case 'country':
    case 'timestamp':
    case 'duration':
      return `a ${type.kind}`;
  }
}
