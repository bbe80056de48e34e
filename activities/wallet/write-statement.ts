/** The one fenced statement that writes a whole batch: each player's rows only if that player's fence held. */
import { arrayLiteral, elementFormOf } from './array-literal.ts';
import { text, toRow, walletColumnTypes, walletKey, type Execute } from './wallet-rows.ts';
import type { PlayerBatch } from './player-batch.ts';

/** A batch decided further than this from the database's clock is refused, so a wrong host clock decides nothing. */
export const clockSkewMsMax = 1_000;

const walletNames = walletColumnTypes.map(([name]) => name);
const param = (index: number, type: string): string => `$${index}::${type}[]`;

const walletFrom = 3;
const walletTypes = ['uuid', 'text', 'bigint', ...walletColumnTypes.map(([, type]) => type)];
const journalFrom = walletFrom + walletTypes.length;
const journalTypes = [
  'uuid',
  'text',
  'text',
  'text',
  'text',
  'text',
  'uuid',
  'numeric',
  'uuid',
  'uuid',
  'text',
  'text',
  'bytea',
  'uuid',
  'jsonb',
];
const entryFrom = journalFrom + journalTypes.length;
const entryTypes = [
  'uuid',
  'smallint',
  'text',
  'text',
  'uuid',
  'numeric',
  'bigint',
  'numeric',
  'bytea',
  'uuid',
];
const roundFrom = entryFrom + entryTypes.length;
const roundTypes = [
  'text',
  'text',
  'uuid',
  'text',
  'text',
  'numeric',
  'numeric',
  'boolean',
  'boolean',
  'integer',
];
const eventFrom = roundFrom + roundTypes.length;
const eventTypes = ['uuid', 'text', 'text', 'uuid', 'jsonb', 'text'];

const unnest = (from: number, types: readonly string[]): string =>
  `unnest(${types.map((type, index) => param(from + index, type)).join(', ')})`;

const statement = `
with clock as (
  select clock_timestamp() as now, abs(extract(epoch from clock_timestamp()) * 1000 - $1::double precision) < $2::double precision as agrees
),
input as (
  select * from ${unnest(walletFrom, walletTypes)}
    as i(player_id, asset, expected, ${walletNames.join(', ')})
),
repeated as materialized (
  select distinct j.player_id, j.asset from ${unnest(journalFrom, journalTypes)}
    as j(id, integration, external_id, code, asset, brand, player_id, amount, reverses, answers, round_ref, subject, fingerprint, call_id, details)
  cross join lateral (
    select 1 from wallet.journal k where k.integration = j.integration and k.external_id = j.external_id limit 1
  ) known
),
-- Rows are locked in id order, whatever order the batches came in: two processes cannot deadlock.
fenced as materialized (
  select i.* from wallet.player_wallet w join input i on w.player_id = i.player_id and w.asset = i.asset
  where w.version = i.expected and (select agrees from clock)
    and not exists (select 1 from repeated r where r.player_id = i.player_id and r.asset = i.asset)
  order by w.player_id, w.asset
  for update of w
),
written as (
  update wallet.player_wallet w set version = w.version + 1, ${walletNames.map((name) => `${name} = f.${name}`).join(', ')}
  from fenced f where w.player_id = f.player_id and w.asset = f.asset
  returning w.player_id, w.asset
),
journals as (
  insert into wallet.journal (id, integration, external_id, code, asset, brand, player_id, amount, reverses, answers, round_ref, subject, fingerprint, call_id, details, occurred_at)
  select j.*, clock.now from clock, ${unnest(journalFrom, journalTypes)}
    as j(id, integration, external_id, code, asset, brand, player_id, amount, reverses, answers, round_ref, subject, fingerprint, call_id, details)
  where exists (select 1 from fenced f where f.player_id = j.player_id and f.asset = j.asset)
),
entries as (
  insert into wallet.entry (journal_id, line, asset, account, player_id, amount, seq, balance_after, hash)
  select e.journal_id, e.line, e.asset, e.account, e.player_id, e.amount, e.seq, e.balance_after, e.hash
  from ${unnest(entryFrom, entryTypes)} as e(journal_id, line, asset, account, player_id, amount, seq, balance_after, hash, owner)
  where exists (select 1 from fenced f where f.player_id = e.owner and f.asset = e.asset)
),
rounds as (
  insert into games.round as r (integration, round_ref, player_id, asset, game_code, staked, won, state, opened_at, guard_at, closed_at)
  select d.integration, d.round_ref, d.player_id, d.asset, d.game, d.staked, d.won,
    case when d.closes then 'settled' else 'open' end, clock.now, clock.now + make_interval(secs => d.guard_ms / 1000.0),
    case when d.closes then clock.now end
  from clock, ${unnest(roundFrom, roundTypes)} as d(integration, round_ref, player_id, asset, game, staked, won, closes, rolled_back, guard_ms)
  where exists (select 1 from fenced f where f.player_id = d.player_id and f.asset = d.asset)
  order by d.integration, d.round_ref, d.player_id
  on conflict (integration, round_ref, player_id) do update set
    staked = r.staked + excluded.staked, won = r.won + excluded.won, version = r.version + 1,
    state = case
      when r.staked + excluded.staked = 0 and excluded.staked < 0 then 'void'
      when excluded.state = 'settled' and r.state <> 'void' then 'settled'
      else r.state end,
    closed_at = case
      when r.closed_at is null and (excluded.state = 'settled' or (r.staked + excluded.staked = 0 and excluded.staked < 0))
        then excluded.opened_at
      else r.closed_at end
),
facts as (
  insert into compliance.outbox (event_id, type, version, brand, player_id, occurred_at, payload)
  select v.event_id, v.type, 1, v.brand, v.player_id, clock.now, v.payload
  from clock, ${unnest(eventFrom, eventTypes)} as v(event_id, type, brand, player_id, payload, asset)
  where exists (select 1 from fenced f where f.player_id = v.player_id and f.asset = v.asset)
)
select w.player_id as "playerId", w.asset, extract(epoch from clock.now)::float8 * 1000 as "nowMs", clock.agrees
from clock left join written w on true`;

export type WriteOutcome = {
  /** Wallet keys whose fence held: all their rows are written, nobody else's are. */
  readonly written: ReadonlySet<string>;
  /** The database's clock at the write. */
  readonly nowMs: number;
  readonly clockAgrees: boolean;
};

/** Runs the statement. `decidedAtMs` is the time that the decisions were made with. */
export async function writeBatches(
  execute: Execute,
  batches: readonly PlayerBatch[],
  decidedAtMs: number,
): Promise<WriteOutcome> {
  const rows = await execute('wallet-write', statement, [
    decidedAtMs,
    clockSkewMsMax,
    ...columnsOf(walletTypes, batches.map(walletValues)),
    ...columnsOf(journalTypes, batches.flatMap(journalValues)),
    ...columnsOf(entryTypes, batches.flatMap(entryValues)),
    ...columnsOf(roundTypes, batches.flatMap(roundValues)),
    ...columnsOf(eventTypes, batches.flatMap(eventValues)),
  ]);
  const written = new Set<string>();
  for (const row of rows)
    if (row['playerId'] !== null) written.add(walletKey(text(row, 'playerId'), text(row, 'asset')));
  return { written, nowMs: Number(rows[0]?.['nowMs']), clockAgrees: rows[0]?.['agrees'] === true };
}

/** Turns rows into one array per column, as `unnest` wants them. */
const columnsOf = (types: readonly string[], rows: readonly (readonly unknown[])[]): string[] =>
  types.map((type, index) => arrayLiteral(rows, index, elementFormOf(type)));

const walletValues = (batch: PlayerBatch): unknown[] => [
  batch.before.state.playerId,
  batch.before.state.asset,
  batch.before.version.toString(),
  ...toRow(batch.after),
];

const journalValues = (batch: PlayerBatch): unknown[][] =>
  batch.journals.map(({ id, integration, journal, round, subject, callId }) => [
    id,
    integration,
    journal.externalId,
    journal.code,
    batch.before.state.asset,
    batch.before.state.brand,
    batch.before.state.playerId,
    journal.amount.toString(),
    journal.reverses,
    journal.answers,
    round,
    subject,
    Buffer.from(journal.fingerprint, 'hex'),
    callId,
    journal.details ? JSON.stringify(journal.details) : null,
  ]);

const entryValues = (batch: PlayerBatch): unknown[][] =>
  batch.entries.map((entry) => [
    entry.journalId,
    entry.line,
    batch.before.state.asset,
    entry.account,
    entry.playerId,
    entry.amount.toString(),
    entry.seq?.toString() ?? null,
    entry.balanceAfter?.toString() ?? null,
    entry.hash,
    batch.before.state.playerId,
  ]);

const roundValues = (batch: PlayerBatch): unknown[][] =>
  [...batch.rounds.values()].map((round) => [
    round.integration,
    round.roundRef,
    batch.before.state.playerId,
    batch.before.state.asset,
    round.game,
    round.staked.toString(),
    round.won.toString(),
    round.closes,
    round.rolledBack,
    round.guardMs,
  ]);

const eventValues = (batch: PlayerBatch): unknown[][] =>
  batch.events.map((event) => [
    event.eventId,
    event.type,
    batch.before.state.brand,
    batch.before.state.playerId,
    event.payload,
    batch.before.state.asset,
  ]);
