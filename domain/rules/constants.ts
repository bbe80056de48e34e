/** Reads the constants of a rule into running values, and writes them back as people read them. */
import { assetOf, formatDecimal, parseDecimal, toMoneyText } from '../money.ts';
import type { RuleConstant } from './ast.schema.ts';
import { digitsOf, type CheckedConstant, type CheckedList } from './checked.ts';
import type { RuleType, RuleValue } from './rule-types.ts';

const literal = { isNullable: false, cost: 0 } as const;

const number = (type: RuleType, value: bigint): CheckedConstant => ({
  ...literal,
  node: 'constant',
  type,
  value,
  digits: digitsOf(value),
});

/** A string is the problem, in words. */
export function readConstant(constant: RuleConstant): CheckedConstant | CheckedList | string {
  switch (constant.type) {
    case 'boolean':
      return { ...literal, node: 'constant', type: { kind: 'boolean' }, value: constant.value, digits: 0 };
    case 'integer':
      return number({ kind: 'integer' }, BigInt(constant.value));
    case 'decimal': {
      const scale = constant.value.split('.')[1]?.length ?? 0;
      const units = parseDecimal(constant.value, scale);
      return units.ok ? number({ kind: 'decimal', scale }, units.value) : units.failure.detail;
    }
    case 'money': {
      const asset = assetOf(constant.asset);
      if (!asset.ok) return asset.failure.detail;
      const units = parseDecimal(constant.value, asset.value.ledgerScale);
      return units.ok ? number({ kind: 'money', asset: constant.asset }, units.value) : units.failure.detail;
    }
    case 'string':
    case 'country':
      return {
        ...literal,
        node: 'constant',
        type: { kind: constant.type },
        value: constant.value,
        digits: 0,
      };
    case 'enum':
      return {
        ...literal,
        node: 'constant',
        type: { kind: 'enum', values: [constant.value] },
        value: constant.value,
        digits: 0,
      };
    case 'timestamp': {
      const value = timestampUs(constant.value);
      return value === null ? 'is no time stamp' : number({ kind: 'timestamp' }, value);
    }
    case 'duration':
      return number({ kind: 'duration' }, durationUs(constant.value));
    case 'list':
      return readList(constant);
  }
}

function readList({ of, values }: Extract<RuleConstant, { type: 'list' }>): CheckedList | string {
  const list = { ...literal, node: 'list', digits: 0 } as const;
  switch (of) {
    case 'integer': {
      const foreign = values.find((value) => !/^-?\d{1,18}$/.test(value));
      return foreign === undefined
        ? { ...list, type: { kind: 'integer' }, values: values.map(BigInt), digits: 18 }
        : `${foreign} is no whole number of at most 18 digits`;
    }
    case 'country': {
      const foreign = values.find((value) => !/^[A-Z]{2}$/.test(value));
      return foreign === undefined
        ? { ...list, type: { kind: 'country' }, values }
        : `${foreign} is no country`;
    }
    case 'string':
      return { ...list, type: { kind: 'string' }, values };
    case 'enum':
      return { ...list, type: { kind: 'enum', values }, values };
  }
}

const secondUs = 1_000_000n;

/** Microseconds since 1970 of a time in UTC, `2026-11-25T13:00:00.123456Z`; null when it is none. */
export function timestampUs(text: string): bigint | null {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,6}))?Z$/.exec(text);
  const ms = Date.parse(`${match?.[1] ?? ''}Z`);
  return Number.isNaN(ms) ? null : BigInt(ms) * 1000n + BigInt((match?.[2] ?? '').padEnd(6, '0'));
}

/** The way back: with as many decimals as are needed. */
export function timestampText(us: bigint): string {
  const fraction = ((us % secondUs) + secondUs) % secondUs;
  const whole = new Date(Number((us - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${whole}${fraction === 0n ? '' : `.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}`}Z`;
}

const durationUnits = [
  ['D', 86_400n, 'day'],
  ['H', 3_600n, 'hour'],
  ['M', 60n, 'minute'],
  ['S', 1n, 'second'],
] as const;

/** Microseconds of the form that the schema admits; a day has 24 hours. */
function durationUs(text: string): bigint {
  const total = durationUnits.reduce(
    (sum, [letter, seconds]) => sum + BigInt(new RegExp(`(\\d+)${letter}`).exec(text)?.[1] ?? '0') * seconds,
    0n,
  );
  return total * secondUs;
}

/** "1 day 12 hours". */
function durationText(us: bigint): string {
  let rest = us < 0n ? -us : us;
  const words = durationUnits.flatMap(([, seconds, word]) => {
    const count = rest / (seconds * secondUs);
    rest %= seconds * secondUs;
    return count === 0n ? [] : [`${count} ${word}${count === 1n ? '' : 's'}`];
  });
  if (rest > 0n) words.push(`${rest} microseconds`);
  return `${us < 0n ? 'minus ' : ''}${words.length === 0 ? 'no time' : words.join(' ')}`;
}

/** A value as a sentence shows it. */
export function valueText(value: RuleValue, type: RuleType): string {
  if (value === null) return 'not known';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  // Quotes inside a text are escaped, or it could end before its end and go on as a part of the sentence.
  if (typeof value === 'string') return type.kind === 'string' ? JSON.stringify(value) : value;
  switch (type.kind) {
    case 'money': {
      const { amount, asset } = toMoneyText(value, type.asset);
      return `${amount} ${asset}`;
    }
    case 'decimal':
      return formatDecimal(value, type.scale);
    case 'timestamp':
      return timestampText(value);
    case 'duration':
      return durationText(value);
    case 'boolean':
    case 'integer':
    case 'string':
    case 'enum':
    case 'country':
      return value.toString();
  }
}
