/** Gives every brand its first live rules, which decide as the platform decided before there were any. */
import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { RuleSetName } from '#domain/backoffice/rule-sets.ts';

const ruleSet: RuleSetName = 'payments.deposit-routing';

/** No rule, and a default: alpha first, then beta. */
const firstRouting = JSON.stringify({
  form: 'rules',
  hitPolicy: 'first',
  rules: [],
  otherwise: { split: [{ shareBps: 10_000, psps: ['alpha', 'beta', 'gamma'] }] },
});

/** Running it again is harmless: a brand that has versions keeps them. */
export async function seedRules(trx: Database | Trx): Promise<void> {
  const brands = await trx.selectFrom('pam.brand').select('id').execute();
  for (const { id: brand } of brands) {
    await trx
      .insertInto('backoffice.ruleVersion')
      .values({
        id: randomUUID(),
        ruleSet,
        brand,
        version: 1,
        state: 'live',
        content: firstRouting,
        contentHash: sql<Buffer>`sha256(convert_to((${firstRouting}::jsonb)::text, 'UTF8'))`,
        note: 'The order of PSPs that every deposit followed before there were rules.',
        author: 'system:seed',
        fingerprint: createHash('sha256').update(firstRouting).digest(),
        publishedBy: 'system:platform',
        publishReason: 'The first version of a new brand.',
        publishedAt: sql<Date>`now()`,
        liveAt: sql<Date>`now()`,
      })
      .onConflict((conflict) => conflict.columns(['ruleSet', 'brand', 'version']).doNothing())
      .execute();
  }
}
