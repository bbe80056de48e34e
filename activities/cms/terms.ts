/** Terms and conditions as versions: published, never edited. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';

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
