/** Gives every brand its first live rules, which decide as the platform decided before there were any. */
import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { firstScorecard } from '#domain/risk/first-scorecard.ts';
import type { RuleSetName } from '#domain/backoffice/rule-sets.ts';

/** No rule, and a default: alpha first, then beta. */
const firstRouting = JSON.stringify({
  form: 'rules',
  hitPolicy: 'first',
  rules: [],
  otherwise: { split: [{ shareBps: 10_000, psps: ['alpha', 'beta', 'gamma'] }] },
});

/** No rule, and a default: each PSP and issuer as they like, which is what was asked before. */
const firstThreeDs = JSON.stringify({
  form: 'rules',
  hitPolicy: 'first',
  rules: [],
  otherwise: { want: 'no-preference', exemption: null, whenUnavailable: 'proceed' },
});

const firstVersions: readonly {
  readonly ruleSet: RuleSetName;
  readonly content: string;
  readonly note: string;
}[] = [
  {
    ruleSet: 'payments.deposit-routing',
    content: firstRouting,
    note: 'The order of PSPs that every deposit followed before there were rules.',
  },
  {
    ruleSet: 'payments.three-ds',
    content: firstThreeDs,
    note: 'What every deposit asked of 3-D Secure before there were rules.',
  },
  {
    ruleSet: 'risk.fraud-scorecard',
    content: JSON.stringify(firstScorecard),
    note: 'The signs of fraud that the platform can see, before anybody has corrected their points on history.',
  },
];

/** Running it again is harmless: a brand that has versions keeps them. */
export async function seedRules(trx: Database | Trx): Promise<void> {
  const brands = await trx.selectFrom('pam.brand').select('id').execute();
  const first = brands.flatMap(({ id: brand }) => firstVersions.map((version) => ({ brand, ...version })));
  for (const { brand, ruleSet, content, note } of first) {
    await trx
      .insertInto('backoffice.ruleVersion')
      .values({
        id: randomUUID(),
        ruleSet,
        brand,
        version: 1,
        state: 'live',
        content,
        contentHash: sql<Buffer>`sha256(convert_to((${content}::jsonb)::text, 'UTF8'))`,
        note,
        author: 'system:seed',
        fingerprint: createHash('sha256').update(content).digest(),
        publishedBy: 'system:platform',
        publishReason: 'The first version of a new brand.',
        publishedAt: sql<Date>`now()`,
        liveAt: sql<Date>`now()`,
      })
      .onConflict((conflict) => conflict.columns(['ruleSet', 'brand', 'version']).doNothing())
      .execute();
  }
}
