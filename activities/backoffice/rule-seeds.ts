/** Gives every brand its first live rules. */
import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { shippedRules } from './shipped-rules.ts';

/** Running it again is harmless: a brand that has versions keeps them. */
export async function seedRules(trx: Database | Trx): Promise<void> {
  const brands = await trx.selectFrom('pam.brand').select('id').execute();
  const first = brands.flatMap(({ id: brand }) => shippedRules.map((version) => ({ brand, ...version })));
  for (const { brand, ruleSet, note, ...version } of first) {
    const content = JSON.stringify(version.content);
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
