/** Tokens of two cards in one request: each PSP stands where the rules put it for the card that it would be given. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRouting } from '#domain/backoffice/rule-sets.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer } from '#test/support/factories.ts';
import { cardsAtPsps } from './cards-at-psps.ts';
import { readPayer } from './payer-facts.ts';
import { decideRoute } from './route-deposit.ts';
import type { RoutingVersion } from './routing-rules.ts';
import { countUnreadableRules } from './unreadable-rules.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const order = (...psps: string[]) => ({ split: [{ shareBps: 10_000, psps }] });

/** Swedish cards go to beta first, German ones to alpha, those that nobody knows to gamma. */
const rules = orThrow(
  readRouting({
    form: 'rules',
    hitPolicy: 'first',
    rules: ['SE', 'DE'].map((country) => ({
      name: country,
      condition: {
        node: 'operation',
        operator: 'equal',
        arguments: [
          { node: 'variable', name: 'card.country' },
          { node: 'constant', type: 'country', value: country },
        ],
      },
      outcome: country === 'SE' ? order('beta', 'gamma', 'alpha') : order('alpha', 'gamma', 'beta'),
    })),
    otherwise: order('gamma', 'beta', 'alpha'),
  }),
);

type Known = Readonly<Record<string, string | null>>;

/** Cards by country with the PSPs that have a token of them; their ids in the order that is asked for. */
async function routed(countries: Known, isReversed: boolean, shadow: RoutingVersion | null = null) {
  const player = await makePlayer(database.db);
  const names = [...new Set(Object.values(countries))].filter((name) => name !== null);
  const ids = names.map(() => randomUUID()).toSorted();
  if (isReversed) ids.reverse();
  const tokens = Object.keys(countries).map((psp) => ({ psp, token: `${psp}-${player.id}` }));
  for (const [index, country] of names.entries())
    await database.db
      .insertInto('payments.card')
      .values({ id: ids[index] ?? '', country, bin: '42424242', network: 'visa' })
      .execute();
  for (const { psp, token } of tokens) {
    const cardId = ids[names.indexOf(countries[psp] ?? '')];
    if (cardId !== undefined)
      await database.db
        .insertInto('payments.cardToken')
        .values({ playerId: player.id, psp, token, cardId })
        .execute();
  }
  const request = {
    depositId: randomUUID(),
    playerId: player.id,
    brand: player.brand,
    jurisdiction: 'MT',
    asset: 'EUR',
    method: 'card',
    tokens,
    sessionId: null,
    ip: null,
  } as const;
  const facts = await readPayer(database.db, { ...request, tokens: tokens.map(({ token }) => token) });
  return database.db.transaction().execute(async (trx) => {
    const cardsAt = await cardsAtPsps(trx, player.id, tokens, facts?.cards ?? []);
    const decision = decideRoute(
      {
        rules: {
          routing: { live: { id: randomUUID(), version: 1, rules }, shadow, isUnread: false },
          threeDs: { live: null, shadow: null, isUnread: false },
        },
        health: new Map(),
        chargeTerms: new Map(),
        player: facts,
        cardsAt,
        offered: ['alpha', 'beta', 'gamma'],
      },
      request,
      { amount: 1n, kycLevel: 'L0', age: null },
    );
    return {
      psps: decision?.psps,
      row: decision?.row,
      country: decision?.facts.get('card.country'),
      ...(shadow === null ? {} : { shadow: decision?.shadow }),
    };
  });
}

test.each([false, true])('the order of random ids decides nothing (reversed: %s)', async (isReversed) => {
  // Alpha would be given the German card, which puts it first; beta the Swedish one, which puts it first, too.
  expect(await routed({ alpha: 'DE', beta: 'SE' }, isReversed)).toEqual({
    psps: ['alpha', 'beta'],
    row: 'DE',
    country: 'DE',
  });
  // The other way round each has the card that puts it last, and the brand's order is what is left.
  expect(await routed({ alpha: 'SE', beta: 'DE', gamma: 'DE' }, isReversed)).toMatchObject({
    psps: ['gamma', 'alpha', 'beta'],
    row: 'DE',
  });
});

test('a token that nobody has told about is judged without a card once the others are of several', async () => {
  expect(await routed({ alpha: 'SE', beta: 'DE', gamma: null }, false)).toMatchObject({
    psps: ['gamma', 'alpha', 'beta'],
    row: null,
    country: null,
  });
});

test('tokens of one card are routed as before', async () => {
  expect(await routed({ alpha: 'SE', beta: 'SE', gamma: null }, false)).toMatchObject({
    psps: ['beta', 'gamma', 'alpha'],
    row: 'SE',
  });
});

test('a version under trial that cannot be asked leaves the live decision as it is, and is counted', async () => {
  const broken = { id: randomUUID(), version: 9, rules: {} as never };
  const cards = { alpha: 'SE', beta: 'SE', gamma: null };
  const all = () =>
    countUnreadableRules().find(
      ({ ruleSet, state }) => ruleSet === 'payments.deposit-routing' && state === 'shadow',
    )?.count ?? 0;
  // The count is the process's, and other files were here before.
  const before = all();
  const counted = () => all() - before;
  expect(await routed(cards, false, broken)).toEqual({ ...(await routed(cards, false)), shadow: null });
  expect(counted()).toBe(1);
  expect(await routed(cards, false, { ...broken, rules })).toMatchObject({
    shadow: { versionId: broken.id, psps: ['beta', 'gamma', 'alpha'] },
  });
  expect(counted()).toBe(0);
});
