/** Tables of networks and of card numbers, imported in parts by one person and put into force by another. */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsLookupImport } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import {
  badLine,
  lookupKinds,
  parseBins,
  parseNetworks,
  type LookupKind,
} from '#domain/payments/lookup-tables.ts';

export type LookupImportRow = Selectable<PaymentsLookupImport>;

export const lookupKindOf = (text: string): LookupKind => {
  const kind = lookupKinds.find((known) => known === text);
  if (kind === undefined) throw new Error(`Invariant broken: lookup kind ${text}`);
  return kind;
};

export type OpenLookupImport = {
  /** Made from the operator and the idempotency key. */
  readonly importId: string;
  readonly kind: LookupKind;
  readonly source: string;
  /** Day that the source speaks of, YYYY-MM-DD. */
  readonly asOf: string;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/** Begins a version, or finds the one that the key made before. Failure: `idempotency-key-reused`. */
export async function openLookupImport(trx: Trx, order: OpenLookupImport): Promise<Result<LookupImportRow>> {
  const { importId, operatorId, kind, source, reason, fingerprint } = order;
  await lockKind(trx, kind);
  const known = await findImport(trx, importId);
  if (known !== undefined)
    return known.fingerprint.equals(fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another import.');
  const row = await trx
    .insertInto('payments.lookupImport')
    .values({
      id: importId,
      kind,
      version: sql<number>`(select coalesce(max(version), 0) + 1 from payments.lookup_import where kind = ${kind})`,
      source,
      asOf: order.asOf,
      author: `operator:${operatorId}`,
      reason,
      fingerprint,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, 'payments.lookup.loaded', row, { operatorId, reason });
  return succeed(row);
}

export type LookupPart = { readonly importId: string; readonly part: number; readonly csv: string };

/**
 * Adds one part; the same part again changes nothing. Failures: `not-found`, `lookup-import-not-open` (it is in force
 * or was, or the part is there with other content), `invalid-request` (a line that cannot be read, or a row twice).
 */
export async function loadLookupPart(
  trx: Trx,
  { importId, part, csv }: LookupPart,
): Promise<Result<{ readonly rows: number }>> {
  const target = await findImport(trx, importId);
  if (target === undefined) return fail('not-found', 'There is no such import.');
  const sha256 = createHash('sha256').update(csv).digest();
  const known = await trx
    .selectFrom('payments.lookupPart')
    .select(['sha256', 'rows'])
    .where('importId', '=', importId)
    .where('part', '=', part)
    .executeTakeFirst();
  if (known?.sha256.equals(sha256)) return succeed({ rows: known.rows });
  if (target.state !== 'loading' || known !== undefined)
    return fail('lookup-import-not-open', 'The import takes no more, or has this part with other content.');
  const written =
    target.kind === 'bin' ? await writeBins(trx, importId, csv) : await writeNetworks(trx, importId, csv);
  if (!written.ok) return written;
  await trx
    .insertInto('payments.lookupPart')
    .values({ importId, part, sha256, rows: written.value.rows })
    .execute();
  return written;
}

async function writeNetworks(trx: Trx, importId: string, csv: string): Promise<Result<{ rows: number }>> {
  const parsed = parseNetworks(csv);
  if (!parsed.ok) return parsed;
  const rows = JSON.stringify(parsed.value);
  const bad = await sql<{ line: number }>`
    select line from jsonb_to_recordset(${rows}::jsonb) as r(line integer, network text)
    where not pg_input_is_valid(network, 'cidr') order by line limit 1`.execute(trx);
  if (bad.rows[0] !== undefined) return badLine(bad.rows[0].line);
  const written = await sql`
    insert into payments.ip_network (import_id, network, country)
    select ${importId}, network::cidr, country
    from jsonb_to_recordset(${rows}::jsonb) as r(network text, country text)
    on conflict do nothing`.execute(trx);
  return allOf(parsed.value.length, written.numAffectedRows);
}

async function writeBins(trx: Trx, importId: string, csv: string): Promise<Result<{ rows: number }>> {
  const parsed = parseBins(csv);
  if (!parsed.ok) return parsed;
  const written = await sql`
    insert into payments.bin_range (import_id, span, issuer, country, card_type)
    select ${importId}, int4range(first, last, '[]'), issuer, country, "cardType"
    from jsonb_to_recordset(${JSON.stringify(parsed.value)}::jsonb)
      as r(first integer, last integer, issuer text, country text, "cardType" text)
    on conflict do nothing`.execute(trx);
  return allOf(parsed.value.length, written.numAffectedRows);
}

const allOf = (given: number, written: bigint | undefined): Result<{ rows: number }> =>
  written === BigInt(given)
    ? succeed({ rows: given })
    : fail('invalid-request', 'A row is in this import already.', {
        fields: [{ pointer: '/csv', detail: 'holds a row that is in this import already' }],
      });

export type ActivateLookup = {
  readonly importId: string;
  readonly parts: number;
  readonly operatorId: string;
  readonly reason: string;
};

/**
 * Puts a version into force instead of the one that is; one that was can come back. `parts` is how many the person
 * means to be there. Failures: `not-found`, `own-approval`, `lookup-import-not-open` (parts are missing).
 */
export async function activateLookup(
  trx: Trx,
  { importId, parts, operatorId, reason }: ActivateLookup,
): Promise<Result<LookupImportRow>> {
  const found = await findImport(trx, importId);
  if (found === undefined) return fail('not-found', 'There is no such import.');
  await lockKind(trx, lookupKindOf(found.kind));
  const row = (await findImport(trx, importId)) ?? found;
  if (row.author === `operator:${operatorId}`)
    return fail('own-approval', 'Another person puts the table into force.');
  if (row.state === 'active') return succeed(row);
  const there = await sql<{ count: number; last: number }>`
    select count(*)::integer as count, coalesce(max(part), 0) as last from payments.lookup_part
    where import_id = ${importId}`.execute(trx);
  if (there.rows[0]?.count !== parts || there.rows[0].last !== parts)
    return fail('lookup-import-not-open', 'The import does not have just the parts 1 to the number given.');
  await trx
    .updateTable('payments.lookupImport')
    .set({ state: 'retired' })
    .where('kind', '=', row.kind)
    .where('state', '=', 'active')
    .execute();
  const active = await trx
    .updateTable('payments.lookupImport')
    .set({ state: 'active', activatedBy: `operator:${operatorId}`, activatedAt: sql<Date>`now()` })
    .where('id', '=', importId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, 'payments.lookup.activated', active, { operatorId, reason });
  return succeed(active);
}

const findImport = (trx: Trx, id: string): Promise<LookupImportRow | undefined> =>
  trx.selectFrom('payments.lookupImport').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

const lockKind = (trx: Trx, kind: LookupKind) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`lookup ${kind}`}, 0))`.execute(trx);

const tell = (
  trx: Trx,
  type: 'payments.lookup.loaded' | 'payments.lookup.activated',
  row: LookupImportRow,
  { operatorId, reason }: { readonly operatorId: string; readonly reason: string },
): Promise<void> =>
  appendEvent(
    trx,
    {
      type,
      version: 1,
      brand: '*',
      playerId: null,
      payload: { importId: row.id, kind: lookupKindOf(row.kind), importVersion: row.version },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `lookup-import:${row.id}`, reason },
  );
