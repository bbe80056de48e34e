import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactAnswer } from './answer-redaction.ts';

/** Numbers of brands with a good check digit. */
const numbers = fc
  .tuple(fc.constantFrom('4', '51', '55', '2221'), fc.stringMatching(/^\d{15}$/))
  .map(([start, rest]) => {
    const body = (start + rest).slice(0, 15);
    for (let check = 0; check < 10; check += 1)
      if (sumOf(`${body}${check}`) % 10 === 0) return `${body}${check}`;
    return body;
  });

const sumOf = (digits: string): number =>
  [...digits].toReversed().reduce((sum, digit, place) => {
    const value = Number(digit) * (place % 2 === 1 ? 2 : 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0);

const disguises: readonly ((number: string) => string)[] = [
  (number) => number,
  (number) => number.replaceAll(/(\d{4})(?=\d)/g, '$1 '),
  (number) => number.replaceAll(/(\d{4})(?=\d)/g, '$1-'),
  (number) => [...number].join(' '),
  (number) => [...number].join(', '),
  (number) => `000${number}`,
  (number) => Buffer.from(number).toString('base64'),
  (number) => Buffer.from(`x${number}yz`).toString('base64url'),
  (number) => Buffer.from(number).toString('hex').toUpperCase(),
  (number) => [...number].map((digit) => `%3${digit}`).join(''),
  (number) => [...number].map((digit) => `\\u003${digit}`).join(''),
  (number) => [...number].map((digit) => `&#x3${digit};`).join(''),
  (number) => [...number].map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join(''),
];

/** Everything a reader could make of a text without knowing the number. */
const readings = (text: string): string[] => {
  const base64 = [...text.matchAll(/[A-Za-z0-9+/_-]{20,}/g)].map(([part]) =>
    Buffer.from(part, 'base64').toString('latin1'),
  );
  const hex = [...text.matchAll(/(?:[0-9a-f]{2}){14,}/gi)].map(([part]) =>
    Buffer.from(part, 'hex').toString('latin1'),
  );
  return [text, text.normalize('NFKC'), ...base64, ...hex].flatMap((reading) => [
    reading,
    reading.replaceAll(/[ ,-]/g, ''),
  ]);
};

describe('the answer of a PSP', () => {
  test('never holds the number that was sent, in whatever form and place it came back', () => {
    fc.assert(
      fc.property(
        numbers,
        fc.constantFrom(...disguises),
        fc.string(),
        fc.string(),
        fc.boolean(),
        (number, disguise, before, after, isJson) => {
          const shown = `${before.replaceAll(/\d/g, '')} ${disguise(number)} ${after.replaceAll(/\d/g, '')}`;
          const text = isJson ? JSON.stringify({ a: [{ b: shown }], [shown]: 1 }) : shown;
          const answer = redactAnswer(text, number, null);
          if (answer.kind === 'withheld') return;
          for (const reading of readings(answer.text)) expect(reading).not.toContain(number);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('never holds it as a JSON number either', () => {
    fc.assert(
      fc.property(numbers, (number) => {
        const answer = redactAnswer(
          `{"n": ${number}, "f": ${number}.5, "e": ${number[0]}.${number.slice(1)}e15}`,
          number,
          null,
        );
        expect(answer.kind === 'text' ? answer.text.replaceAll(/\D/g, '') : '').not.toContain(
          number.slice(0, 12),
        );
      }),
    );
  });

  test('loses other cards as well, and keeps what is none', () => {
    const kept = {
      id: 'pm_1',
      created: 1732838400,
      reference: '8415718415172204',
      time: 1732838400123,
      amount: 1234,
    };
    fc.assert(
      fc.property(numbers, numbers, (sent, other) => {
        fc.pre(sent !== other);
        const answer = redactAnswer(JSON.stringify({ ...kept, other, text: `card ${other}.` }), sent, null);
        expect(answer).toEqual({
          kind: 'text',
          text: JSON.stringify({ ...kept, other: '[card number]', text: 'card [card number].' }),
        });
      }),
    );
  });

  test('loses the security code where it is a value of its own', () => {
    expect(redactAnswer('{"cvc":"737","amount":737}', '4242424242424242', '737')).toEqual({
      kind: 'text',
      text: '{"cvc":"[card number]","amount":737}',
    });
  });
});
