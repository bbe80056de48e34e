/** Where a payout may go beside the PSP that the card paid in at: nowhere that is not proven to be the same card. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  brand,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
} from '#test/workflows/payment-world.ts';
import type { PaymentOrder } from './connectors.ts';
import { requestDeposit } from './commands/request-deposit.ts';
import { requestWithdrawal } from './commands/request-withdrawal.ts';
import { payoutOptions } from './route-payout.ts';
import { mustLeg } from './withdrawal-legs.ts';

let database: TestDatabase;
const psps = { alpha: scriptedPsp('alpha'), beta: scriptedPsp('beta') };

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
}, 60_000);
afterAll(() => database?.drop());

/** A card as PSPs see it; each PSP has a name of its own for it. */
type Card = { readonly name: string; readonly last4: string; readonly isTold?: false };

const tells =
  ({ name, last4, isTold }: Card) =>
  (order: PaymentOrder): PspOutcome => ({
    kind: 'approved',
    pspReference: `psp-${order.reference}`,
    processed: order.money,
    instrument: { token: order.token, cardBrand: 'visa', last4, expiryMonth: 12, expiryYear: 2031 },
    ...(isTold === false
      ? {}
      : { card: { fingerprint: `card-${name}`, network: 'visa', bin: null, country: null } }),
  });

type Held = Partial<Record<'alpha' | 'beta', Card>>;

const tokenOf = (playerId: string, psp: string, card: Card) => `tok_${psp}_${card.name}_${playerId}`;

/** A captured deposit whose tokens are those of `held`, charged at the first PSP that is named. */
async function payIn(playerId: string, held: Held): Promise<string> {
  const depositId = randomUUID();
  const names = (['alpha', 'beta'] as const).filter((psp) => held[psp] !== undefined);
  const at = Object.keys(held)[0] === 'beta' ? 'beta' : 'alpha';
  orThrow(
    await requestDeposit(database.db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount: '40.00', asset: 'EUR' },
      tokens: names.flatMap((psp) => {
        const card = held[psp];
        return card === undefined ? [] : { psp, token: tokenOf(playerId, psp, card) };
      }),
      returnUrl: 'http://shop.test/back',
      fingerprint: fingerprintOf(depositId),
    }),
  );
  const { money, provider } = paymentActivities(database.db, new Map(Object.entries(psps)));
  const card = held[at];
  if (card === undefined) throw new Error('charged where it has a token');
  let number = 1;
  if (at === 'beta' && held.alpha !== undefined) {
    psps.alpha.play({ authorise: [() => ({ kind: 'not_sent', reason: 'scripted' })] });
    await provider.authoriseAttempt({ depositId, number });
    number = 2;
    await provider.startAttempt({ depositId, number, psp: at, stepUp: false });
  }
  psps[at].play({ authorise: [tells(card)], status: [tells(card)] });
  await provider.authoriseAttempt({ depositId, number });
  expect(await money.captureDeposit({ depositId, number })).toEqual({ kind: 'captured' });
  const { instrumentId } = await database.db
    .selectFrom('payments.deposit')
    .select('instrumentId')
    .where('id', '=', depositId)
    .executeTakeFirstOrThrow();
  return instrumentId ?? '';
}

/** The order in which PSPs would be asked to pay 20 euros to the instrument. */
async function offered(playerId: string, instrumentId: string): Promise<string[]> {
  const withdrawalId = randomUUID();
  const row = orThrow(
    await requestWithdrawal(database.db, {
      withdrawalId,
      playerId,
      brand,
      money: { amount: '20.00', asset: 'EUR' },
      instrumentId,
      fingerprint: fingerprintOf(withdrawalId),
    }),
  );
  const options = await database.db.transaction().execute(async (trx) =>
    payoutOptions(trx, row, await mustLeg(trx, row.id, 1), {
      rules: { live: null, shadow: null, isUnread: false },
      health: new Map(),
      connected: new Set(['alpha', 'beta']),
    }),
  );
  return options.map(({ psp, token }) => `${psp} ${token.replace(`_${playerId}`, '')}`);
}

describe('a payout to a card', () => {
  const own: Card = { name: 'own', last4: '4242' };
  const friends: Card = { name: 'friend', last4: '1881' };

  test('goes to its own PSP alone when the token at another one came with the deposit and was never charged', async () => {
    const playerId = await makePlayer(database.db);
    const instrumentId = await payIn(playerId, { alpha: own, beta: friends });
    expect(await offered(playerId, instrumentId)).toEqual(['alpha tok_alpha_own']);
  });

  test('goes to another PSP where the same card has paid in, too', async () => {
    const playerId = await makePlayer(database.db);
    const instrumentId = await payIn(playerId, { alpha: own, beta: own });
    await payIn(playerId, { beta: own, alpha: own });
    expect(await offered(playerId, instrumentId)).toEqual(['alpha tok_alpha_own', 'beta tok_beta_own']);
  });

  test('does not go to another card that paid in under the name of this one', async () => {
    const playerId = await makePlayer(database.db);
    const instrumentId = await payIn(playerId, { alpha: own, beta: friends });
    await payIn(playerId, { beta: friends, alpha: own });
    expect(await offered(playerId, instrumentId)).toEqual(['alpha tok_alpha_own']);
  });

  test('does not go to a card that looks the same and has another fingerprint', async () => {
    const playerId = await makePlayer(database.db);
    const instrumentId = await payIn(playerId, { alpha: own });
    await payIn(playerId, { beta: { name: 'twin', last4: '4242' } });
    expect(await offered(playerId, instrumentId)).toEqual(['alpha tok_alpha_own']);
  });

  test('goes to its own PSP alone where PSPs tell no fingerprints', async () => {
    const playerId = await makePlayer(database.db);
    const untold: Card = { name: 'untold', last4: '4242', isTold: false };
    const instrumentId = await payIn(playerId, { alpha: untold, beta: untold });
    await payIn(playerId, { beta: untold, alpha: untold });
    expect(await offered(playerId, instrumentId)).toEqual(['alpha tok_alpha_untold']);
  });
});
