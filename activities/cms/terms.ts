/** Terms and conditions as versions: published, never edited. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';

export type Terms = { readonly version: number; readonly title: string; readonly body: string; readonly publishedAt: Date };

/** The terms in force; null when the brand has published none. */
export async function readCurrentTerms(db: Database | Trx, brand: string): Promise<Terms | null> {
  const row = await db
    .selectFrom('cms.terms')
    .select(['version', 'title', 'body', 'publishedAt'])
    .where('brand', '=', brand)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** Publishes a new version unless title and text are those in force. */
export async function publishTerms(
  trx: Trx,
  terms: { readonly brand: string; readonly title: string; readonly body: string },
): Promise<void> {
  await sql`
    with latest as (
      select version, title, body from cms.terms where brand = ${terms.brand} order by version desc limit 1
    )
    insert into cms.terms (brand, version, title, body)
    select ${terms.brand}, coalesce((select version from latest), 0) + 1, ${terms.title}, ${terms.body}
    where not exists (select from latest where title = ${terms.title} and body = ${terms.body})
    on conflict do nothing
  `.execute(trx);
}
