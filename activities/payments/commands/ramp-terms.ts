/** What a brand asks for a ramp: how long a quote holds and what the house keeps of the market's rate, as versions. */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsRampTerms } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { firstRampTerms } from '#domain/payments/ramp.ts';

export type RampTermsRow = Selectable<PaymentsRampTerms>;

/** One at a time per brand, so that the next number is free. */
export async function lockRampTerms(trx: Trx, brand: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`ramp-terms:${brand}`}, 0))`.execute(trx);
}

/** The highest version; null where the brand has no ramp, or has ended it. */
export async function currentRampTerms(db: Database | Trx, brand: string): Promise<RampTermsRow | null> {
  const row = await db
    .selectFrom('payments.rampTerms')
    .selectAll()
    .where('brand', '=', brand)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.isActive === true ? row : null;
}

export type SetRampTerms = {
  /** Made from the operator and the idempotency key. */
  readonly requestId: string;
  readonly brand: string;
  readonly lifetimeS: number;
  readonly onRampSpreadBps: number;
  readonly offRampSpreadBps: number;
  readonly isActive: boolean;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/** The next version; quotes that are open keep the one they were made under. Failure: `idempotency-key-reused`. */
export async function setRampTerms(trx: Trx, terms: SetRampTerms): Promise<Result<RampTermsRow>> {
  await lockRampTerms(trx, terms.brand);
  const known = await trx
    .selectFrom('payments.rampTerms')
    .selectAll()
    .where('requestId', '=', terms.requestId)
    .executeTakeFirst();
  if (known !== undefined)
    return known.fingerprint?.equals(terms.fingerprint) === true
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for other terms.');
  const { operatorId, ...content } = terms;
  const row = await trx
    .insertInto('payments.rampTerms')
    .values({
      ...content,
      version: sql<number>`(select coalesce(max(version), 0) + 1 from payments.ramp_terms where brand = ${terms.brand})`,
      author: `operator:${operatorId}`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const { version: termsVersion, lifetimeS, onRampSpreadBps, offRampSpreadBps, isActive } = row;
  await appendEvent(
    trx,
    {
      type: 'payments.ramp-terms.set',
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { termsVersion, lifetimeS, onRampSpreadBps, offRampSpreadBps, isActive },
    },
    {
      actor: { kind: 'operator', id: operatorId },
      subject: `ramp-terms:${row.brand}:v${termsVersion}`,
      reason: row.reason,
    },
  );
  return succeed(row);
}

/** Gives every brand its first terms; running it again is harmless. Nothing is quoted before a rate is published. */
export async function seedRampTerms(trx: Database | Trx): Promise<void> {
  const brands = await trx.selectFrom('pam.brand').select('id').execute();
  for (const { id: brand } of brands)
    await trx
      .insertInto('payments.rampTerms')
      .values({
        ...firstRampTerms,
        brand,
        version: 1,
        isActive: true,
        author: 'system:seed',
        reason: 'shipped with the platform',
      })
      .onConflict((conflict) => conflict.columns(['brand', 'version']).doNothing())
      .execute();
}
