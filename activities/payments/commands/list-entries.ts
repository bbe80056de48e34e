/** Entries of black, grey and white lists: staff add and end them, nobody changes one. */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsListEntry } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { listKey, type ListColour, type ListKind } from '#domain/payments/lists.ts';
import type { ActivityDeps } from '../../deps.ts';

export type ListEntryRow = Selectable<PaymentsListEntry>;

type Hashes = Pick<ActivityDeps['keyRing'], 'blindIndex'>;

export type NewListEntry = {
  /** Made from the operator and the idempotency key. */
  readonly entryId: string;
  readonly brand: string;
  readonly list: ListColour;
  readonly kind: ListKind;
  /** As staff write it; a card by its id, or by the id of a deposit that it was used for. */
  readonly value: string;
  readonly skips: readonly string[];
  readonly reason: string;
  readonly expiresAt: Date | null;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

export type StoredValue = { readonly key: string; readonly network: string | null };

/** Failures: `invalid-request` (value, or an end that has passed), `not-found` (card), `idempotency-key-reused`. */
export async function addListEntry(
  trx: Trx,
  keyRing: Hashes,
  entry: NewListEntry,
): Promise<Result<ListEntryRow>> {
  const stored = await storedValue(trx, keyRing, entry);
  return stored.ok ? writeListEntry(trx, { ...entry, ...stored.value }) : stored;
}

/** As a list keeps it. Failures: `invalid-request`, `not-found` (card). */
export async function storedValue(
  db: Database | Trx,
  keyRing: Hashes,
  { kind, value }: Pick<NewListEntry, 'kind' | 'value'>,
): Promise<Result<StoredValue>> {
  const key = await storedKey(db, keyRing, kind, value);
  if (!key.ok) return key;
  const network = kind === 'ip' ? await networkOf(db, key.value) : succeed(null);
  return network.ok ? succeed({ key: network.value ?? key.value, network: network.value }) : network;
}

/** As `addListEntry`, of a value that is stored as it will be. */
export async function writeListEntry(
  trx: Trx,
  entry: Omit<NewListEntry, 'value'> & StoredValue,
): Promise<Result<ListEntryRow>> {
  const { list, kind, brand, reason, expiresAt } = entry;
  if (expiresAt !== null && !(await isAhead(trx, expiresAt)))
    return fail('invalid-request', 'The end of the entry has passed.', {
      fields: [{ pointer: '/expiresAt', detail: 'must be in the future' }],
    });
  const row = await trx
    .insertInto('payments.listEntry')
    .values({
      id: entry.entryId,
      brand,
      list,
      kind,
      key: entry.key,
      network: entry.network,
      skips: [...entry.skips],
      reason,
      author: `operator:${entry.operatorId}`,
      fingerprint: entry.fingerprint,
      expiresAt,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) {
    const known = await mustEntry(trx, entry.entryId);
    return known.fingerprint.equals(entry.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another entry.');
  }
  await appendEvent(
    trx,
    {
      type: 'payments.list-entry.added',
      version: 1,
      brand,
      playerId: null,
      payload: {
        entryId: row.id,
        list,
        kind,
        skips: row.skips,
        expiresAt: row.expiresAt?.toISOString() ?? null,
      },
    },
    { actor: { kind: 'operator', id: entry.operatorId }, subject: `list-entry:${row.id}`, reason },
  );
  return succeed(row);
}

/** Ends an entry for good. Failures: `not-found`, `list-entry-not-open`. */
export async function endListEntry(
  trx: Trx,
  ending: { readonly entryId: string; readonly operatorId: string; readonly reason: string },
): Promise<Result<ListEntryRow>> {
  const ended = await trx
    .updateTable('payments.listEntry')
    .set({ endedAt: sql<Date>`now()`, endedBy: `operator:${ending.operatorId}`, endReason: ending.reason })
    .where('id', '=', ending.entryId)
    .where('endedAt', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (ended === undefined) return fail('list-entry-not-open', 'The entry has ended.');
  await appendEvent(
    trx,
    {
      type: 'payments.list-entry.ended',
      version: 1,
      brand: ended.brand,
      playerId: null,
      payload: { entryId: ended.id },
    },
    {
      actor: { kind: 'operator', id: ending.operatorId },
      subject: `list-entry:${ended.id}`,
      reason: ending.reason,
    },
  );
  return succeed(ended);
}

/** Entries in force that a value matches: an address in its networks, a longer start of a card number in the shorter ones. */
export async function lookUp(
  db: Database,
  keyRing: Hashes,
  question: { readonly brand: string; readonly kind: ListKind; readonly value: string },
): Promise<Result<readonly ListEntryRow[]>> {
  const { brand, kind } = question;
  const stored = await storedValue(db, keyRing, question);
  if (!stored.ok) return stored;
  const { key, network } = stored.value;
  const rows = await db
    .selectFrom('payments.listEntry')
    .selectAll()
    .where('brand', '=', brand)
    .where('kind', '=', kind)
    .where('endedAt', 'is', null)
    .where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', sql<Date>`now()`)]))
    .$if(kind === 'ip', (query) => query.where(sql<boolean>`${network}::inet <<= network`))
    .$if(kind === 'bin', (query) =>
      query.where(sql<boolean>`key in (left(${key}, 6), left(${key}, 7), ${key})`),
    )
    .$if(kind !== 'ip' && kind !== 'bin', (query) => query.where('key', '=', key))
    .orderBy('createdAt')
    .limit(200)
    .execute();
  return succeed(rows);
}

async function storedKey(
  db: Database | Trx,
  keyRing: Hashes,
  kind: ListKind,
  value: string,
): Promise<Result<string>> {
  const key = listKey(kind, value);
  if (!key.ok) return key;
  const { text, isPersonal } = key.value;
  if (isPersonal) return succeed(keyRing.blindIndex(text).toString('hex'));
  return kind === 'card' ? cardIdOf(db, text) : succeed(text);
}

/** The card's own name today, whichever of its names is given. */
async function cardIdOf(db: Database | Trx, id: string): Promise<Result<string>> {
  const { rows } = await sql<{ id: string }>`
    select coalesce(
      (select u.card_id from payments.payment_use u where u.payment = ${`deposit:${id}`} and u.card_id is not null limit 1),
      (select c.id from payments.card c where c.id = ${id})) as id`.execute(db);
  const found = rows[0]?.id ?? null;
  return found === null ? fail('not-found', 'There is no such card.') : succeed(found);
}

/** PostgreSQL says what a network is; bits beside the mask are cut off, because they name nobody. */
async function networkOf(db: Database | Trx, text: string): Promise<Result<string>> {
  // Two statements: the planner would read the constant before anything has found out that it cannot be read.
  const { rows: checks } = await sql<{ valid: boolean }>`
    select pg_input_is_valid(${text}::text, 'inet') as valid`.execute(db);
  if (checks[0]?.valid !== true)
    return fail('invalid-request', 'The value is no address and no network.', {
      fields: [{ pointer: '/value', detail: 'must be an address or a network such as 192.0.2.0/24' }],
    });
  const { rows } = await sql<{ network: string }>`select network(${text}::inet)::text as network`.execute(db);
  return succeed(rows[0]?.network ?? text);
}

async function isAhead(trx: Trx, time: Date): Promise<boolean> {
  const { rows } = await sql<{ ahead: boolean }>`select ${time}::timestamptz > now() as ahead`.execute(trx);
  return rows[0]?.ahead === true;
}

const mustEntry = (trx: Trx, id: string): Promise<ListEntryRow> =>
  trx.selectFrom('payments.listEntry').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
