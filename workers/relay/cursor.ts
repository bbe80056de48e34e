/** A sink's place in the outbox, and the two writes that make a block survive a crash unchanged. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import type { Block, Fact, Position } from './block.ts';

export type Backlog = { readonly rows: number; readonly lagS: number };

/** Counting further than this would cost more than it tells. */
const backlogRowsMax = 100_000;

/** Another relay moved this sink's cursor: whoever notices stops and reads again. */
export class CursorMovedError extends Error {
  constructor(sink: string) {
    super(`The cursor of ${sink} was moved by another relay.`);
    this.name = 'CursorMovedError';
  }
}

export async function ensureCursor(db: Database, sink: string): Promise<void> {
  await db
    .insertInto('compliance.relayCursor')
    .values({ sink })
    .onConflict((on) => on.column('sink').doNothing())
    .execute();
}

/**
 * The block in flight, or a new one whose bounds are stored before this returns. Rows of transactions that may still
 * commit are left for later: only what lies below every running transaction is final. Null when there is nothing.
 * @param mayBeInFlight false for who knows that the last block was completed: a question less, ten times a second
 */
export async function takeBlock(
  db: Database,
  sink: string,
  rowsMax: number,
  mayBeInFlight = true,
): Promise<Block | null> {
  const inFlight = mayBeInFlight ? await pendingBounds(db, sink) : null;
  const bounds = inFlight ?? (await storeBounds(db, sink, rowsMax));
  if (bounds === null) return null;
  const { epoch, first, last } = bounds;
  const { rows } = await sql<Fact>`
    select event_id, type, version, brand, player_id, payload, xid::text as xid, id,
      to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as occurred_at
    from compliance.outbox o
    where (o.xid, o.id) >= (${first.xid}::xid8, ${first.id}) and (o.xid, o.id) <= (${last.xid}::xid8, ${last.id})
    -- Of the table, not of the answer: there the transaction id is text, and 999 would follow 1000.
    order by o.xid, o.id
  `.execute(db);
  return { epoch, first, last, facts: rows };
}

type Bounds = { readonly epoch: number; readonly first: Position; readonly last: Position };
type BoundsRow = { epoch: number; firstXid: string | null; firstId: bigint; lastXid: string; lastId: bigint };

const toBounds = (row: BoundsRow | undefined): Bounds | null =>
  row === undefined || row.firstXid === null
    ? null
    : {
        epoch: row.epoch,
        first: { xid: row.firstXid, id: row.firstId },
        last: { xid: row.lastXid, id: row.lastId },
      };

async function pendingBounds(db: Database, sink: string): Promise<Bounds | null> {
  const { rows } = await sql<BoundsRow>`
    select epoch, pending_first_xid::text as first_xid, pending_first_id as first_id,
           pending_last_xid::text as last_xid, pending_last_id as last_id
    from compliance.relay_cursor where sink = ${sink}
  `.execute(db);
  return toBounds(rows[0]);
}

async function storeBounds(db: Database, sink: string, rowsMax: number): Promise<Bounds | null> {
  const { rows } = await sql<BoundsRow>`
    with place as (select xid, last_id from compliance.relay_cursor where sink = ${sink}),
    chosen as materialized (
      select o.xid, o.id from compliance.outbox o
      where (o.xid, o.id) > ((select xid from place), (select last_id from place))
        and o.xid < pg_snapshot_xmin(pg_current_snapshot())
      order by o.xid, o.id limit ${rowsMax}
    ),
    first as (select xid, id from chosen order by xid, id limit 1),
    last as (select xid, id from chosen order by xid desc, id desc limit 1)
    update compliance.relay_cursor c
    set pending_first_xid = first.xid, pending_first_id = first.id, pending_last_xid = last.xid, pending_last_id = last.id
    from first, last, place
    where c.sink = ${sink} and c.pending_first_xid is null and c.xid = place.xid and c.last_id = place.last_id
    returning c.epoch, c.pending_first_xid::text as first_xid, c.pending_first_id as first_id,
              c.pending_last_xid::text as last_xid, c.pending_last_id as last_id
  `.execute(db);
  return toBounds(rows[0]);
}

/** Moves the cursor behind a delivered block. Throws CursorMovedError when the block was not this relay's any more. */
export async function completeBlock(db: Database, sink: string, { epoch, last }: Block): Promise<void> {
  const { numAffectedRows } = await sql`
    update compliance.relay_cursor
    set xid = pending_last_xid, last_id = pending_last_id, delivered_at = now(),
        pending_first_xid = null, pending_first_id = null, pending_last_xid = null, pending_last_id = null
    where sink = ${sink} and epoch = ${epoch} and pending_last_xid = ${last.xid}::xid8 and pending_last_id = ${last.id}
  `.execute(db);
  if (numAffectedRows !== 1n) throw new CursorMovedError(sink);
}

/** How much a sink has still to deliver, and how old the oldest of it is. Counts at most 100,000 rows. */
export async function measureBacklog(db: Database, sink: string): Promise<Backlog> {
  const { rows } = await sql<Backlog>`
    select count(*)::int as rows, coalesce(greatest(extract(epoch from now() - min(waiting.occurred_at)), 0), 0)::float8 as lag_s
    from compliance.relay_cursor c cross join lateral (
      select o.occurred_at from compliance.outbox o where (o.xid, o.id) > (c.xid, c.last_id)
      order by o.xid, o.id limit ${backlogRowsMax}
    ) waiting
    where c.sink = ${sink}
  `.execute(db);
  return rows[0] ?? { rows: 0, lagS: 0 };
}

/**
 * True when the cursor or the outbox is ahead of this cluster's transaction ids: the database was restored from a dump
 * and the sink must begin a new epoch (see the runbook) before anything can be delivered.
 */
export async function isFromAnotherCluster(db: Database, sink: string): Promise<boolean> {
  const { rows } = await sql<{ foreign: boolean }>`
    select c.xid >= pg_snapshot_xmax(pg_current_snapshot()) or
      coalesce((select o.xid >= pg_snapshot_xmax(pg_current_snapshot()) from compliance.outbox o
                order by o.xid desc, o.id desc limit 1), false) as "foreign"
    from compliance.relay_cursor c where c.sink = ${sink}
  `.execute(db);
  return rows[0]?.foreign ?? false;
}
