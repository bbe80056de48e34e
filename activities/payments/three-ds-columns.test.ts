/** What a stored wish for 3-D Secure means to a build that may not know its words. */
import { expect, test } from 'vitest';
import { defaultWish, strictestWish, type ThreeDsWish } from '#domain/payments/three-ds.ts';
import { wishOf } from './three-ds-columns.ts';

test('a wish is read as it was stored, and none at all is the default', () => {
  const wish: ThreeDsWish = { want: 'challenge-mandated', exemption: null, whenUnavailable: 'proceed' };
  expect(wishOf({ ...wish })).toEqual(wish);
  expect(wishOf(null)).toEqual(defaultWish);
});

test.each([
  { want: 'a word of a newer build', exemption: null, whenUnavailable: 'refuse' },
  { want: 'no-preference' },
  'challenge-mandated',
  7,
])('a wish that cannot be read asks for the strictest: %j', (stored) => {
  expect(wishOf(stored)).toEqual(strictestWish);
});
