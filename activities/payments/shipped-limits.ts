/** The limits that a new brand begins with: against trying out card numbers, and by the tier of the player. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { assetOf, parseDecimal } from '#domain/money.ts';
import { orThrow } from '#domain/failures.ts';
import type { RuleNode } from '#domain/rules/ast.schema.ts';

/** Different cards refused, by who tries them. */
const triedCards = [
  { name: 'cards-tried-by-device', subject: 'device', countMax: 8 },
  { name: 'cards-tried-from-address', subject: 'ip', countMax: 40 },
] as const;

const tier: RuleNode = { node: 'variable', name: 'player.tier' };
const tiers = (...values: string[]): RuleNode => ({ node: 'constant', type: 'list', of: 'string', values });
const call = (operator: 'or' | 'in' | 'notIn' | 'isAbsent', ...given: RuleNode[]): RuleNode => ({
  node: 'operation',
  operator,
  arguments: given,
});

/** In the main unit, per day; whoever has no tier is a player like most. */
const byTier: readonly { readonly name: string; readonly times: number; readonly condition: RuleNode }[] = [
  {
    name: 'standard',
    times: 1,
    condition: call('or', call('isAbsent', tier), call('notIn', tier, tiers('gold', 'vip'))),
  },
  { name: 'gold', times: 3, condition: call('in', tier, tiers('gold')) },
  { name: 'vip', times: 10, condition: call('in', tier, tiers('vip')) },
];

/** About the same in each. */
const dailySums = [
  { asset: 'EUR', amount: 20_000 },
  { asset: 'GBP', amount: 20_000 },
  { asset: 'USD', amount: 20_000 },
  { asset: 'SEK', amount: 200_000 },
  { asset: 'NOK', amount: 200_000 },
] as const;

const dayS = 86_400;

const unitsOf = (amount: number, asset: string): string =>
  orThrow(parseDecimal(String(amount), orThrow(assetOf(asset)).ledgerScale)).toString();

const shipped = [
  ...triedCards.map((rule) => ({ ...rule, measure: 'declined-cards', method: 'card', windowS: 3_600 })),
  ...dailySums.flatMap(({ asset, amount }) =>
    byTier.map(({ name, times, condition }) => ({
      name: `player-sum-day-${name}-${asset.toLowerCase()}`,
      subject: 'player',
      measure: 'sum',
      asset,
      amount: unitsOf(amount * times, asset),
      windowS: dayS,
      condition: JSON.stringify(condition),
    })),
  ),
];

/**
 * Gives every new brand its first limits; running it again is harmless. A brand that has limits already keeps what its
 * operator lives with: an update imposes nothing on it.
 */
export async function seedPaymentRules(trx: Database | Trx): Promise<void> {
  const brands = await trx
    .selectFrom('pam.brand as b')
    .select('b.id')
    .where((eb) =>
      eb.not(
        eb.exists(eb.selectFrom('payments.paymentRule as r').select('r.id').whereRef('r.brand', '=', 'b.id')),
      ),
    )
    .execute();
  const rows = brands.flatMap(({ id: brand }) =>
    shipped.map((rule) => ({
      ...rule,
      brand,
      id: sql<string>`gen_random_uuid()`,
      version: 1,
      flow: 'deposit',
      isActive: true,
      author: 'system:seed',
      reason: 'shipped with the platform',
    })),
  );
  if (rows.length > 0) await trx.insertInto('payments.paymentRule').values(rows).execute();
}
