import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holdsCardNumber } from './card-number.ts';

describe('text that holds a card number', () => {
  test.each([
    '4242424242424242',
    'my card is 4242 4242 4242 4242, thanks',
    'Amex 3782-822463-10005.',
    '5555555555554444\n',
    '"2223003122003222"',
    '6759649826438453',
    '30569309025904',
  ])('is found: %s', (text) => {
    expect(holdsCardNumber(text)).toBe(true);
  });

  test.each([
    '4242424242424241',
    '0198c0de-4242-4242-4242-424242424242',
    'DE89 3704 0044 0532 0130 00',
    'GB33BUKB20201555555555',
    'pm_4242424242424242',
    '+35699123456',
    '1732838400123',
    '200000000000000.00',
    '',
  ])('is not seen where there is none: %s', (text) => {
    expect(holdsCardNumber(text)).toBe(false);
  });

  test('is never seen in ids and amounts of ours', () => {
    const isNone = (text: string): void => {
      expect(holdsCardNumber(text), text).toBe(false);
    };
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        isNone(`deposit:${id}:a1`);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.nat(99), (euros, cents) => {
        isNone(`${euros}.${String(cents).padStart(2, '0')}`);
      }),
    );
  });
});
