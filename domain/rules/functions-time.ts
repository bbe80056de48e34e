/** Parts of a time stamp as a calendar on a wall shows them. */
import { argument, integerType, type RuleFunctions, type TimePart } from './rule-function.ts';

/** The zones that rules may name. A new one is added with the equivalence test in view: zone tables differ by age. */
export const timeZones = [
  'UTC',
  'Europe/London',
  'Europe/Berlin',
  'Europe/Stockholm',
  'America/New_York',
  'America/Toronto',
  'Asia/Kolkata',
  'Asia/Tokyo',
] as const;

const secondUs = 1_000_000n;
/** From 2000 to 2037 all zone tables agree; outside the part is absent rather than perhaps different. */
export const timePartFromUs = BigInt(Date.UTC(2000, 0, 1)) * 1000n;
export const timePartBeforeUs = BigInt(Date.UTC(2038, 0, 1)) * 1000n;

const words: Readonly<Record<TimePart, string>> = {
  hour: 'the hour',
  weekday: 'the day of the week',
  day: 'the day of the month',
  month: 'the month',
  year: 'the year',
};

export const timeFunctions: RuleFunctions<'timePart'> = {
  timePart: {
    argumentsMin: 1,
    argumentsMax: 1,
    options: ['part', 'zone'],
    cost: 20,
    repeats: 2,
    check: (given, { part, zone }) => {
      const [value] = given;
      if (value?.type.kind !== 'timestamp' || value.node === 'list') return 'needs a time stamp';
      if (part === undefined) return 'needs a part';
      if (!timeZones.some((known) => known === zone)) return `needs a zone of ${timeZones.join(', ')}`;
      return { arguments: given, type: integerType, isNullable: true, digits: 4 };
    },
    closure: (call, compile) => {
      const value = compile.value(argument(call, 0));
      const read = calendarOf(call.options.zone ?? 'UTC', call.options.part ?? 'hour');
      return (facts) => {
        const us = value(facts);
        if (typeof us !== 'bigint' || us < timePartFromUs || us >= timePartBeforeUs) return null;
        return read(Number(us / secondUs) * 1000);
      };
    },
    sql: (call, compile, dialect) =>
      dialect.timePart(
        compile.value(argument(call, 0)),
        call.options.part ?? 'hour',
        call.options.zone ?? 'UTC',
      ),
    sentence: ([value = ''], { options }) =>
      `${words[options.part ?? 'hour']} of ${value} in ${options.zone ?? 'UTC'}`,
  },
};

/** Reads one part from milliseconds since 1970. */
function calendarOf(zone: string, part: TimePart): (atMs: number) => bigint {
  const calendar = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
  });
  return (atMs) => {
    const parts = new Map(calendar.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? Number.NaN;
    if (part !== 'weekday') return BigInt(of(part));
    const sunday = 7;
    return BigInt(new Date(Date.UTC(of('year'), of('month') - 1, of('day'))).getUTCDay() || sunday);
  };
}
