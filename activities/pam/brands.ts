/** The brands, their versioned configuration, and the regulators' rules that a registration needs. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { brandConfigSchema, type BrandConfig } from '#domain/pam/brand.schema.ts';

export type BrandInForce = {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly config: BrandConfig;
};

/** The configuration in force; `unknown-brand` when there is no such brand. */
export async function readBrand(db: Database | Trx, brand: string): Promise<Result<BrandInForce>> {
  const row = await db
    .selectFrom('pam.brand as b')
    .innerJoin('pam.brandConfig as c', 'c.brand', 'b.id')
    .select(['b.id', 'b.name', 'c.version', 'c.config'])
    .where('b.id', '=', brand)
    .orderBy('c.version', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) return fail('unknown-brand', 'There is no such brand.');
  return succeed({
    id: row.id,
    name: row.name,
    version: row.version,
    config: brandConfigSchema.parse(row.config),
  });
}

/** Publishes a configuration unless it is the one in force; answers the version in force. */
export async function publishBrand(
  trx: Trx,
  brand: { readonly id: string; readonly name: string; readonly config: BrandConfig },
): Promise<number> {
  await trx
    .insertInto('pam.brand')
    .values({ id: brand.id, name: brand.name })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ name: brand.name }))
    .execute();
  const config = JSON.stringify(brandConfigSchema.parse(brand.config));
  const { rows } = await sql<{ version: number }>`
    with latest as (
      select version, config from pam.brand_config where brand = ${brand.id} order by version desc limit 1
    ), published as (
      insert into pam.brand_config (brand, version, config)
      select ${brand.id}, coalesce((select version from latest), 0) + 1, ${config}::jsonb
      where not exists (select from latest where config = ${config}::jsonb)
      returning version
    )
    select version from published union all select version from latest order by version desc limit 1
  `.execute(trx);
  return rows[0]?.version ?? 1;
}

export type RegistrationRules = {
  readonly jurisdictionVersion: number;
  readonly ageMinYears: number;
  /** The database's day, so that every process agrees on who is of age. */
  readonly today: string;
  readonly termsVersion: number | null;
};

/** The latest rules of the jurisdiction and the brand's current terms; `unknown-jurisdiction` without a profile. */
export async function readRegistrationRules(
  db: Database | Trx,
  brand: string,
  jurisdiction: string,
): Promise<Result<RegistrationRules>> {
  const { rows } = await sql<RegistrationRules>`
    select p.version as jurisdiction_version, (p.profile ->> 'ageMinYears')::int as age_min_years,
           current_date::text as today,
           (select max(version) from cms.terms t where t.brand = ${brand}) as terms_version
    from compliance.jurisdiction_profile p
    where p.jurisdiction = ${jurisdiction} and p.published_at <= now()
    order by p.version desc limit 1
  `.execute(db);
  const rules = rows[0];
  return rules ? succeed(rules) : fail('unknown-jurisdiction', 'There are no rules for that jurisdiction.');
}
