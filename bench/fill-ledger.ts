/**
 * Fills a ledger with years of play in minutes: copies of one bet that the writer has made, under new ids and of other
 * players. What a later bet pays for is as in a ledger that grew, the sizes of tables and indexes; the copies' hashes
 * prove nothing.
 */
import pg from 'pg';

const betsPerStatement = 500_000;
/** Above any number that the writer gives to an entry of a player in a bench. */
const firstCopiedSeq = 1_000_000;

const filledTables = ['wallet.journal', 'wallet.entry', 'games.round', 'compliance.outbox'];

type Fill = { readonly players: number; readonly bets: number };

/** Adds so many players like `sample` and gives them so many bets like his last, in turn. Returns the ids of the players. */
export const fillLedger = (url: string, sample: string, fill: Fill): Promise<readonly string[]> =>
  onClient(url, async (client) => {
    // Neither the checks of rows that were checked once, nor waiting for the disk.
    await client.query(`set session_replication_role = replica; set synchronous_commit = off;
      set maintenance_work_mem = '2GB'; set statement_timeout = 0`);
    await copyPlayers(client, sample, fill.players);
    await layBetAside(client, sample);
    await withoutIndexes(client, async () => {
      for (let from = 0; from < fill.bets; from += betsPerStatement)
        await copyBets(client, { from, to: Math.min(from + betsPerStatement, fill.bets) });
    });
    const { rows } = await client.query<{ id: string }>('select id from bench_player order by place');
    return rows.map(({ id }) => id);
  });

/** Lets the planner know the sizes that there are, as the server's own care would within minutes. */
export const settleLedger = (url: string): Promise<void> =>
  onClient(url, async (client) => {
    for (const table of ['wallet.player_wallet', ...filledTables])
      await client.query(`vacuum analyze ${table}`);
    await client.query('checkpoint');
  });

/** Runs `work` on a connection of its own to a database. */
export async function onClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function copyPlayers(client: pg.Client, sample: string, count: number): Promise<void> {
  await client.query(
    `create unlogged table bench_player as
       select place - 1 as place, gen_random_uuid() as id from generate_series(1, ${count}) place`,
  );
  await client.query('alter table bench_player add primary key (place)');
  await copyRows(client, {
    table: 'wallet.player_wallet',
    from: `(select * from wallet.player_wallet where player_id = '${sample}') o, bench_player p`,
    instead: { player_id: 'p.id' },
  });
}

/** Lays the rows of the player's last bet aside: while there are no indexes, nothing is found quickly. */
async function layBetAside(client: pg.Client, sample: string): Promise<void> {
  const { rows } = await client.query<{ id: string; round: string }>(
    `select id, round_ref as round from wallet.journal
      where player_id = $1 and round_ref is not null order by id desc limit 1`,
    [sample],
  );
  const [bet] = rows;
  if (bet === undefined) throw new Error('The player to copy has placed no bet.');
  await client.query(
    `create temporary table bench_journal as select * from wallet.journal where id = '${bet.id}';
     create temporary table bench_entry as select * from wallet.entry where journal_id = '${bet.id}';
     create temporary table bench_round as
       select * from games.round where round_ref = '${bet.round}' and player_id = '${sample}'`,
  );
}

async function copyBets(client: pg.Client, span: { from: number; to: number }): Promise<void> {
  await client.query('drop table if exists bench_bet');
  await client.query(
    `create temporary table bench_bet as
       select uuidv7() as journal, p.id as player, gen_random_uuid()::text as name,
              ${firstCopiedSeq} + n / (select count(*) from bench_player) as seq
       from generate_series(${span.from}, ${span.to - 1}) n
       join bench_player p on p.place = n % (select count(*) from bench_player)`,
  );
  await copyRows(client, {
    table: 'wallet.journal',
    from: 'bench_journal o, bench_bet b',
    instead: { id: 'b.journal', external_id: 'b.name', player_id: 'b.player', round_ref: 'b.name' },
  });
  await copyRows(client, {
    table: 'wallet.entry',
    from: 'bench_entry o, bench_bet b',
    instead: {
      journal_id: 'b.journal',
      player_id: 'case when o.player_id is not null then b.player end',
      seq: 'case when o.seq is not null then b.seq end',
    },
  });
  await copyRows(client, {
    table: 'games.round',
    from: 'bench_round o, bench_bet b',
    instead: { round_ref: 'b.name', player_id: 'b.player' },
  });
  await client.query(
    `insert into compliance.outbox (event_id, type, version, brand, player_id, occurred_at, payload)
       select b.journal, 'wallet.journal.posted', 1, 'aurora', b.player, clock_timestamp(), '{}' from bench_bet b`,
  );
}

type Copy = {
  readonly table: string;
  /** Where the rows to copy are called `o`. */
  readonly from: string;
  /** Column to what stands there instead of the copied value. */
  readonly instead: Readonly<Record<string, string>>;
};

async function copyRows(client: pg.Client, { table, from, instead }: Copy): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  );
  const names = rows.map(({ name }) => name);
  const values = names.map((name) => instead[name] ?? `o.${name}`);
  const { rowCount } = await client.query(
    `insert into ${table} (${names.join(', ')}) select ${values.join(', ')} from ${from}`,
  );
  if (rowCount === 0) throw new Error(`There was nothing to copy into ${table}.`);
}

/** Makes the indexes of what `fill` fills anew behind it, in order: row by row, each would be written to at random. */
async function withoutIndexes(client: pg.Client, fill: () => Promise<void>): Promise<void> {
  const { rows: constraints } = await client.query<{ table: string; name: string; definition: string }>(
    `select c.conrelid::regclass as table, c.conname as name, pg_get_constraintdef(c.oid) as definition
       from pg_constraint c
      where c.conrelid = any ($1::regclass[]) and c.contype in ('p', 'u')
        and not exists (select 1 from pg_constraint f where f.contype = 'f' and f.conindid = c.conindid)`,
    [filledTables],
  );
  for (const { table, name } of constraints)
    await client.query(`alter table ${table} drop constraint ${name}`);
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `select i.indexrelid::regclass as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i
      where i.indrelid = any ($1::regclass[])
        and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid)`,
    [filledTables],
  );
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  await fill();
  for (const { definition } of indexes) await client.query(definition);
  for (const { table, name, definition } of constraints)
    await client.query(`alter table ${table} add constraint ${name} ${definition}`);
}
