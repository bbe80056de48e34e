/** The one fenced statement that writes a whole batch: each player's rows only if that player's fence held. */
import { arrayLiteral, elementFormOf } from './array-literal.ts';
import { toRow, walletColumnTypes, walletKey, type Execute } from './wallet-rows.ts';
import type { PlayerBatch } from './player-batch.ts';

/** A batch decided further than this from the database's clock is refused, so a wrong host clock decides nothing. */
export const clockSkewMsMax = 1_000;

const walletNames = walletColumnTypes.map(([name]) => name);
const param = (index: number, type: string): string => `$${index}::${type}[]`;

const walletFrom = 4;
const walletTypes = ['uuid', 'text', 'bigint', ...walletColumnTypes.map(([, type]) => type)];
/** Of every table below, the last column says whose the row is: the place of the batch, counted from one. */
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
  'integer',
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
  'integer',
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
  'integer',
];
const eventFrom = roundFrom + roundTypes.length;
const eventTypes = ['uuid', 'text', 'text', 'uuid', 'jsonb', 'integer'];

const unnest = (from: number, types: readonly string[]): string =>
  `unnest(${types.map((type, index) => param(from + index, type)).join(', ')})`;

/** Whether the fence of a row's batch held: one look into an array, where a join would compare every pair. */
const holds = (owner: string): string => `(select wallets from held)[${owner}]`;

/** A stake in a round that was over, and that it does not end itself: somebody has to ask about it again. */
const reopens = `excluded.openings > 0 and r.state in ('void', 'settled')`;

const statement = `
with clock as (
  select clock_timestamp() as now, abs(extract(epoch from clock_timestamp()) * 1000 - $1::double precision) < $2::double precision as agrees
),
input as (
  select * from ${unnest(walletFrom, walletTypes)} with ordinality
    as i(player_id, asset, expected, ${walletNames.join(', ')}, owner)
),
repeated as materialized (
  select distinct j.owner
  from unnest(${param(journalFrom + 1, 'text')}, ${param(journalFrom + 2, 'text')}, ${param(journalFrom + journalTypes.length - 1, 'integer')})
    as j(integration, external_id, owner)
  cross join lateral (
    select 1 from wallet.journal k where k.integration = j.integration and k.external_id = j.external_id limit 1
  ) known
),
-- The fence and the write in one. The batches come in id order, so two processes meet in that order.
written as (
  update wallet.player_wallet w set version = w.version + 1, ${walletNames.map((name) => `${name} = i.${name}`).join(', ')}
  from input i
  where w.player_id = i.player_id and w.asset = i.asset and w.version = i.expected
    and (select agrees from clock) and i.owner not in (select r.owner from repeated r)
  returning i.owner
),
held as materialized (
  select array(select n = any (w.owners) from generate_series(1, $3::integer) n order by n) as wallets
  from (select coalesce(array_agg(owner), '{}') as owners from written) w
),
journals as (
  insert into wallet.journal (id, integration, external_id, code, asset, brand, player_id, amount, reverses, answers, round_ref, subject, fingerprint, call_id, details, occurred_at)
  select j.id, j.integration, j.external_id, j.code, j.asset, j.brand, j.player_id, j.amount, j.reverses, j.answers, j.round_ref, j.subject, j.fingerprint, j.call_id, j.details, clock.now
  from clock, ${unnest(journalFrom, journalTypes)}
    as j(id, integration, external_id, code, asset, brand, player_id, amount, reverses, answers, round_ref, subject, fingerprint, call_id, details, owner)
  where ${holds('j.owner')}
),
entries as (
  insert into wallet.entry (journal_id, line, asset, account, player_id, amount, seq, balance_after, hash)
  select e.journal_id, e.line, e.asset, e.account, e.player_id, e.amount, e.seq, e.balance_after, e.hash
  from ${unnest(entryFrom, entryTypes)} as e(journal_id, line, asset, account, player_id, amount, seq, balance_after, hash, owner)
  where ${holds('e.owner')}
),
rounds as (
  insert into games.round as r (integration, round_ref, player_id, asset, game_code, staked, won, state, openings, opened_at, guard_at, closed_at)
  select d.integration, d.round_ref, d.player_id, d.asset, d.game, d.staked, d.won,
    case when d.closes then 'settled' else 'open' end, d.opens::integer, clock.now, clock.now + make_interval(secs => d.guard_ms / 1000.0),
    case when d.closes then clock.now end
  from clock, ${unnest(roundFrom, roundTypes)} as d(integration, round_ref, player_id, asset, game, staked, won, closes, opens, guard_ms, owner)
  where ${holds('d.owner')}
  order by d.integration, d.round_ref, d.player_id
  on conflict (integration, round_ref, player_id) do update set
    staked = r.staked + excluded.staked, won = r.won + excluded.won, version = r.version + 1,
    state = case
      when r.staked + excluded.staked = 0 and excluded.staked < 0 then 'void'
      when excluded.state = 'settled' and (r.state <> 'void' or excluded.staked > 0) then 'settled'
      when ${reopens} then 'open'
      else r.state end,
    closed_at = case
      when excluded.state = 'settled' or (r.staked + excluded.staked = 0 and excluded.staked < 0)
        then coalesce(r.closed_at, excluded.opened_at)
      when ${reopens} then null
      else r.closed_at end,
    -- What was opened by a win may have had its workflow: the stake that comes after its end needs another one.
    openings = case when ${reopens} then greatest(r.openings, 1) + 1 else greatest(r.openings, excluded.openings) end,
    guard_at = case when ${reopens} then excluded.guard_at else r.guard_at end,
    guarded_at = case when ${reopens} then null else r.guarded_at end
),
facts as (
  insert into compliance.outbox (event_id, type, version, brand, player_id, occurred_at, payload)
  select v.event_id, v.type, 1, v.brand, v.player_id, clock.now, v.payload
  from clock, ${unnest(eventFrom, eventTypes)} as v(event_id, type, brand, player_id, payload, owner)
  where ${holds('v.owner')}
)
select w.owner, extract(epoch from clock.now)::float8 * 1000 as "nowMs", clock.agrees
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
  const ordered = batches.toSorted(byWallet);
  const rows = await execute('wallet-write', statement, [
    decidedAtMs,
    clockSkewMsMax,
    ordered.length,
    ...columnsOf(walletTypes, ordered.map(walletValues)),
    ...columnsOf(journalTypes, ownedRows(ordered, journalValues)),
    ...columnsOf(entryTypes, ownedRows(ordered, entryValues)),
    ...columnsOf(roundTypes, ownedRows(ordered, roundValues)),
    ...columnsOf(eventTypes, ownedRows(ordered, eventValues)),
  ]);
  const written = new Set<string>();
  for (const row of rows) {
    const batch = ordered[Number(row['owner']) - 1];
    if (batch) written.add(keyOf(batch));
  }
  return { written, nowMs: Number(rows[0]?.['nowMs']), clockAgrees: rows[0]?.['agrees'] === true };
}

const keyOf = ({ before: { state } }: PlayerBatch): string => walletKey(state.playerId, state.asset);

/** The order of ids and assets that PostgreSQL has, too, since both are written in ASCII. */
const byWallet = (one: PlayerBatch, other: PlayerBatch): number => (keyOf(one) < keyOf(other) ? -1 : 1);

/** The rows of all batches, each with the place of its batch behind it. */
function ownedRows(
  batches: readonly PlayerBatch[],
  rowsOf: (batch: PlayerBatch) => unknown[][],
): readonly unknown[][] {
  const rows: unknown[][] = [];
  for (const [index, batch] of batches.entries())
    for (const row of rowsOf(batch)) {
      row.push(index + 1);
      rows.push(row);
    }
  return rows;
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
    round.opens,
    round.guardMs,
  ]);

const eventValues = (batch: PlayerBatch): unknown[][] =>
  batch.events.map((event) => [
    event.eventId,
    event.type,
    batch.before.state.brand,
    batch.before.state.playerId,
    event.payload,
  ]);
