/** Limits, lists and retry rules as pure decisions: the strictest wins, and nothing that is listed loosens a network's word. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { viewMethod } from './deposit-methods.ts';
import { judgeLists, listKey, withLists, type ListHit } from './lists.ts';
import { classifyDecline } from './decline-class.ts';
import { amountRange, checkPayment, rulesFor, velocityGuards, type PaymentRule } from './payment-rules.ts';
import { isLooserThanNetwork, retryGuards, type RetryRule } from './retry-rules.ts';
import { firstRefusal, type Tally } from './uses.ts';

const euro = 10n ** 12n;
const rule = (more: Partial<PaymentRule>): PaymentRule => ({
  id: 'r',
  name: 'a-rule',
  version: 1,
  flow: 'deposit',
  measure: 'amount-max',
  subject: 'payment',
  method: null,
  jurisdiction: null,
  country: null,
  asset: null,
  amount: null,
  countMax: null,
  kycLevel: null,
  windowS: null,
  ...more,
});
const retry = (more: Partial<RetryRule>): RetryRule => ({
  id: 'n',
  network: 'visa',
  rule: 'reattempts',
  windowS: 2_592_000,
  maximum: 20,
  scope: 'card-amount-currency',
  codes: [],
  adviceCodes: [],
  declineClass: null,
  imposedBy: 'network',
  psp: null,
  ...more,
});
const tally = (more: Partial<Tally>): Tally => ({
  uses: 0,
  payments: 0,
  cards: 0,
  total: 0n,
  nextS: null,
  ...more,
});
const payer = { playerId: 'p', cardIds: ['c'], deviceId: null, ip: null };
const scope = { flow: 'deposit', method: 'card', jurisdiction: 'MT', country: 'MT', asset: 'EUR' } as const;

describe('limits of a brand', () => {
  test('of several ranges the narrowest holds, whatever their order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.bigInt(1n, 1_000n)), { maxLength: 8 }),
        fc.bigInt(1n, 1_000n),
        (rows, amount) => {
          const rules = rows.map(([isMin, value]) =>
            rule({ measure: isMin ? 'amount-min' : 'amount-max', amount: value }),
          );
          const refused = checkPayment(rules, { amount, asset: 'EUR', kycLevel: 'L0' }) !== null;
          expect(refused).toBe(rows.some(([isMin, value]) => (isMin ? amount < value : amount > value)));
          expect(amountRange(rules)).toEqual(amountRange(rules.toReversed()));
        },
      ),
    );
  });

  test('a sum tells when it has room again, and tells no time where it never will', () => {
    const [guard] = velocityGuards(
      [rule({ measure: 'sum', subject: 'player', amount: 100n * euro, windowS: 60 })],
      payer,
      30n * euro,
    );
    expect(guard?.judge(tally({ total: 70n * euro }))).toBeNull();
    expect(guard?.judge(tally({ total: 71n * euro, nextS: 12 }))).toMatchObject({
      code: 'payment-limit-exceeded',
      retryAfterS: 12,
      by: 'payment-rule:a-rule:v1',
    });
    const [never] = velocityGuards(
      [rule({ measure: 'sum', subject: 'player', amount: 1n, windowS: 60 })],
      payer,
      2n,
    );
    expect(never?.judge(tally({ nextS: 12 }))).not.toHaveProperty('retryAfterS');
  });

  test('a white list skips the velocity rules it names, and no amount, no closed method, no level of identity', () => {
    const rules = [
      rule({ name: 'one', measure: 'count', subject: 'player', countMax: 1, windowS: 60 }),
      rule({ name: 'two', measure: 'amount-max', amount: 1n }),
      rule({ name: 'three', measure: 'closed' }),
      rule({ name: 'four', measure: 'kyc-level', kycLevel: 'L1' }),
      rule({ name: 'five', measure: 'sum', subject: 'player', amount: 1n, windowS: 60 }),
    ];
    const left = rulesFor(rules, scope, new Set(['one', 'two', 'three', 'four']));
    expect(left.map(({ name }) => name)).toEqual(['two', 'three', 'four', 'five']);
  });

  test('a method that is closed for a country is missing there, and there alone', () => {
    const rules = [rule({ measure: 'closed', method: 'card', country: 'SE' })];
    const offer = { method: 'card', asset: 'EUR', psps: ['alpha', 'beta'] } as const;
    const at = (country: string) =>
      viewMethod(offer, { jurisdiction: 'MT', country, kycLevel: 'L0' }, rules, new Map()).missing;
    expect(at('SE')).toEqual({ reason: 'closed', by: 'payment-rule:a-rule:v1' });
    expect(at('MT')).toBeNull();
    expect(
      checkPayment(rulesFor(rules, { ...scope, country: 'SE' }), {
        amount: 1n,
        asset: 'EUR',
        kycLevel: 'L0',
      }),
    ).toMatchObject({ code: 'payment-method-unavailable' });
  });

  test('a PSP that nothing reaches comes last, and a method without another one is impaired but stays', () => {
    const down = { attempts: 20n, unreachableBps: 10_000n };
    const offer = { method: 'card', asset: 'EUR', psps: ['alpha', 'beta'] } as const;
    const player = { jurisdiction: 'MT', country: 'MT', kycLevel: 'L0' } as const;
    expect(viewMethod(offer, player, [], new Map([['alpha', down]]))).toMatchObject({
      psps: ['beta', 'alpha'],
      isImpaired: false,
    });
    expect(
      viewMethod(
        offer,
        player,
        [],
        new Map([
          ['alpha', down],
          ['beta', down],
        ]),
      ),
    ).toMatchObject({ isImpaired: true, missing: null });
  });
});

describe('retry rules', () => {
  const attempt = { cards: [{ id: 'c', network: 'visa' }], asset: 'EUR', amount: 5n, psp: 'alpha' };
  const refuses = (rules: readonly RetryRule[], uses: number) => {
    const guards = retryGuards(rules, attempt);
    return (
      firstRefusal(
        guards,
        guards.map(() => tally({ uses, nextS: 9 })),
      )?.by ?? null
    );
  };

  test('the strictest of network, acquirer and operator wins, whatever their order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 60 }),
        (maxima, uses) => {
          const rules = maxima.map((maximum, index) =>
            retry({ id: String(index), rule: 'attempts', maximum }),
          );
          expect(refuses(rules, uses) !== null).toBe(uses >= Math.min(...maxima));
        },
      ),
    );
  });

  test('twenty reattempts are twenty-one tries, ten attempts are ten', () => {
    expect(refuses([retry({})], 20)).toBeNull();
    expect(refuses([retry({})], 21)).toBe('retry-rule:n');
    expect(refuses([retry({ rule: 'attempts', maximum: 10 })], 9)).toBeNull();
    expect(refuses([retry({ rule: 'attempts', maximum: 10 })], 10)).toBe('retry-rule:n');
  });

  test("rows of another network or another PSP are not asked, and a card of an unknown network obeys everybody's", () => {
    expect(
      retryGuards([retry({ network: 'mastercard' }), retry({ psp: 'beta', imposedBy: 'acquirer' })], attempt),
    ).toEqual([]);
    const unknown = { ...attempt, cards: [{ id: 'c', network: null }] };
    expect(retryGuards([retry({}), retry({ network: 'any' })], unknown)).toHaveLength(1);
  });

  test('a row is looser when the network admits less in a window at least as long', () => {
    const network = [retry({})];
    expect(isLooserThanNetwork(retry({ maximum: 21 }), network)).toBe(true);
    expect(isLooserThanNetwork(retry({ maximum: 21, windowS: 86_400 }), network)).toBe(true);
    expect(isLooserThanNetwork(retry({ maximum: 20 }), network)).toBe(false);
    expect(isLooserThanNetwork(retry({ maximum: 25, windowS: 31_536_000 }), network)).toBe(false);
  });

  test('advice of Mastercard overrules a milder word of the PSP, and Visa gives none', () => {
    const refusal = { dialect: 'stripe', codes: ['do_not_honor'], networkCode: '05' } as const;
    expect(classifyDecline({ ...refusal, network: 'mastercard', adviceCode: '03' })).toBe('hard_never');
    expect(classifyDecline({ ...refusal, network: 'mc', adviceCode: '25' })).toBe('soft_later');
    expect(classifyDecline({ ...refusal, network: 'visa', adviceCode: '03' })).toBe('generic');
  });
});

describe('lists', () => {
  const hit = (list: ListHit['list'], skips: string[] = []): ListHit => ({
    id: list,
    list,
    kind: 'player',
    skips,
  });
  const pass = { kind: 'pass', approvals: 0, reasons: [] } as const;

  test('black wins over white and says nothing of itself', () => {
    const { refusal } = judgeLists([hit('white', ['one']), hit('black')]);
    expect(refusal).toMatchObject({ code: 'payment-method-unavailable', by: 'list-entry:black' });
    expect(refusal?.detail).not.toMatch(/list|black/i);
  });

  test('a grey withdrawal is never paid without people, a black one not at all', () => {
    expect(withLists(pass, 2, [hit('grey')])).toEqual({ kind: 'pass', approvals: 2, reasons: ['grey-list'] });
    expect(withLists(pass, 2, [hit('black')])).toMatchObject({ kind: 'refuse' });
    expect(withLists(pass, 2, [hit('white', ['one'])])).toEqual(pass);
  });

  test('what is personal becomes a text to be hashed, in one form', () => {
    const iban = ['GB82 WEST 1234 5698 7654 32', 'gb82west12345698765432'].map((text) =>
      listKey('iban', text),
    );
    expect(iban[0]).toEqual(iban[1]);
    expect(listKey('email', ' Some.One@Example.test ')).toEqual({
      ok: true,
      value: { text: 'some.one@example.test', isPersonal: true },
    });
    for (const [kind, value] of [
      ['iban', 'GB00WEST'],
      ['bin', '41'],
      ['country', 'XYZ'],
      ['ip', 'here'],
      ['player', '7'],
      ['email', 'x'],
    ] as const)
      expect(listKey(kind, value)).toMatchObject({ ok: false, failure: { code: 'invalid-request' } });
  });
});
