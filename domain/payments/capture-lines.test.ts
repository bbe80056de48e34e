/** Lines of a settlement file and the captures of one charge, told apart. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchCaptures, type CaptureLine, type KnownCapture } from './capture-lines.ts';

const capture = (n: number, gross: bigint, captureReference: string | null = null): KnownCapture => ({
  subject: `modification:${n}`,
  captureReference,
  asset: 'EUR',
  gross,
});
const line = (n: number, gross: bigint, captureReference: string | null = null): CaptureLine => ({
  naturalKey: `txn_${n}`,
  captureReference,
  asset: 'EUR',
  gross,
});
const nobody = new Map<string, string>();
const subjects = (...args: Parameters<typeof matchCaptures>) =>
  matchCaptures(...args).map((found) => found?.subject.at(-1) ?? null);

test('a name decides before an amount does', () => {
  const captures = [capture(1, 5n, 'a'), capture(2, 5n, 'b')];
  expect(subjects([line(1, 5n, 'b'), line(2, 5n, 'a')], captures, nobody)).toEqual(['2', '1']);
  expect(subjects([line(1, 6n, 'b')], captures, nobody)).toEqual(['2']);
});

test('a name that none of them has is another one’s, even at the same amount', () => {
  expect(subjects([line(1, 5n, 'x')], [capture(1, 5n, 'a')], nobody)).toEqual([null]);
});

test('without names the amount decides, and what differs goes to what is left, in order', () => {
  const captures = [capture(1, 5n), capture(2, 7n), capture(3, 9n)];
  expect(subjects([line(1, 9n), line(2, 5n)], captures, nobody)).toEqual(['3', '1']);
  expect(subjects([line(1, 8n), line(2, 9n), line(3, 5n)], captures, nobody)).toEqual(['2', '3', '1']);
  // A name of the charge on our side is no obstacle where the file names none.
  expect(subjects([line(1, 7n)], [capture(1, 5n, 'pi'), capture(2, 7n, 'pi')], nobody)).toEqual(['2']);
});

test('a line of an earlier file keeps its capture, and one too many is nobody’s', () => {
  const captures = [capture(1, 5n), capture(2, 5n)];
  const told = new Map([['txn_9', 'modification:1']]);
  expect(subjects([line(1, 5n), line(2, 5n)], captures, told)).toEqual(['2', null]);
  expect(subjects([line(9, 5n)], captures, told)).toEqual(['1']);
});

test('no capture is given to two lines, and all that agree are found, in whatever order they are told', () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 1n, max: 4n }), { minLength: 1, maxLength: 8 }).chain((amounts) =>
        fc.record({
          amounts: fc.constant(amounts),
          order: fc.shuffledSubarray(
            amounts.map((_, n) => n),
            { minLength: amounts.length },
          ),
          isNamed: fc.boolean(),
        }),
      ),
      ({ amounts, order, isNamed }) => {
        const captures = amounts.map((gross, n) => capture(n, gross, isNamed ? `c${n}` : null));
        const lines = order.map((n) => line(n, amounts[n] ?? 0n, isNamed ? `c${n}` : null));
        const found = matchCaptures(lines, captures, nobody);
        expect(new Set(found).size).toBe(lines.length);
        expect(found.map((known) => known?.gross)).toEqual(lines.map(({ gross }) => gross));
      },
    ),
  );
});
