/** The one fenced statement that writes a whole batch: each player's rows only if that player's fence held. */
import {
  arrayOfRows,
  bytesCell,
  flagCell,
  linesOf,
  numberCell,
  rowLiteral,
  textCell,
} from './row-literals.ts';
import { walletCells, walletColumns, walletKey, type Execute } from './wallet-rows.ts';
import type { PlayerBatch } from './player-batch.ts';

/** A batch decided further than this from the database's clock is refused, so a wrong host clock decides nothing. */
export const clockSkewMsMax = 1_000;

/** Whether the fence of a row's batch held: one look into an array, where a join would compare every pair. */
const holds = (owner: string): string => `(select wallets from held)[${owner}]`;

/** A stake in a round that was over, and that it does not end itself: somebody has to ask about it again. */
const reopens = `excluded.openings > 0 and r.state in ('void', 'settled')`;

const statement = `
with clock as (
  select clock_timestamp() as now, abs(extract(epoch from clock_timestamp()) * 1000 - $1::double precision) < $2::double precision as agrees
),
input as (
  select * from unnest($4::wallet.written_wallet[]) with ordinality
    as i(player_id, asset, expected, ${walletColumns.join(', ')}, owner)
),
repeated as materialized (
  select distinct j.owner
  from unnest($5::wallet.written_journal[]) as j
  cross join lateral (
    select 1 from wallet.journal k where k.integration = j.integration and k.external_id = j.external_id limit 1
  ) known
),
-- The fence and the write in one. The batches come in id order, so two processes meet in that order.
written as (
  update wallet.player_wallet w set version = w.version + 1, ${walletColumns.map((name) => `${name} = i.${name}`).join(', ')}
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
  from clock, unnest($5::wallet.written_journal[]) as j
  where ${holds('j.owner')}
),
entries as (
  insert into wallet.entry (journal_id, line, asset, account, player_id, amount, seq, balance_after, hash)
  select e.journal_id, e.line, e.asset, e.account, e.player_id, e.amount, e.seq, e.balance_after, e.hash
  from unnest($6::wallet.written_entry[]) as e
  where ${holds('e.owner')}
),
rounds as (
  insert into games.round as r (integration, round_ref, player_id, asset, game_code, staked, won, state, openings, opened_at, guard_at, closed_at)
  select d.integration, d.round_ref, d.player_id, d.asset, d.game, d.staked, d.won,
    case when d.closes then 'settled' else 'open' end, d.opens::integer, clock.now, clock.now + make_interval(secs => d.guard_ms / 1000.0),
    case when d.closes then clock.now end
  from clock, unnest($7::wallet.written_round[]) as d
  where ${holds('d.owner')}
  order by d.player_id, d.integration, d.round_ref
  on conflict (player_id, integration, round_ref) do update set
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
  from clock, unnest($8::wallet.written_fact[], string_to_array($9::text, E'\\n')::jsonb[]) as v(owner, event_id, type, brand, player_id, payload)
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
    arrayOfRows(ordered.map(walletRow)),
    arrayOfRows(ownedRows(ordered, journalRows)),
    arrayOfRows(ownedRows(ordered, entryRows)),
    arrayOfRows(ownedRows(ordered, roundRows)),
    arrayOfRows(ownedRows(ordered, factRows)),
    linesOf(ordered.flatMap(({ events }) => events.map(({ payload }) => payload))),
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

/** The rows of all batches; each begins with the place of its batch, counted from one. */
function ownedRows(
  batches: readonly PlayerBatch[],
  rowsOf: (batch: PlayerBatch, owner: string) => readonly string[],
): readonly string[] {
  return batches.flatMap((batch, index) => rowsOf(batch, String(index + 1)));
}

// The cells of each row stand in the order of its type's attributes (migration 0067).

const walletRow = ({ before, after }: PlayerBatch): string =>
  rowLiteral([
    before.state.playerId,
    textCell(before.state.asset),
    numberCell(before.version),
    ...walletCells(after),
  ]);

const journalRows = ({ before: { state }, journals }: PlayerBatch, owner: string): readonly string[] =>
  journals.map(({ id, integration, journal, round, subject, callId }) =>
    rowLiteral([
      owner,
      id,
      textCell(integration),
      textCell(journal.externalId),
      journal.code,
      textCell(state.asset),
      textCell(state.brand),
      state.playerId,
      numberCell(journal.amount),
      journal.reverses ?? '',
      journal.answers ?? '',
      textCell(round),
      textCell(subject),
      bytesCell(journal.fingerprint),
      textCell(callId),
      journal.details ? textCell(JSON.stringify(journal.details)) : '',
    ]),
  );

const entryRows = ({ before: { state }, entries }: PlayerBatch, owner: string): readonly string[] =>
  entries.map((entry) =>
    rowLiteral([
      owner,
      entry.journalId,
      numberCell(entry.line),
      textCell(state.asset),
      textCell(entry.account),
      entry.playerId ?? '',
      numberCell(entry.amount),
      numberCell(entry.seq),
      numberCell(entry.balanceAfter),
      bytesCell(entry.hash),
    ]),
  );

const roundRows = ({ before: { state }, rounds }: PlayerBatch, owner: string): readonly string[] =>
  Array.from(rounds.values(), (round) =>
    rowLiteral([
      owner,
      textCell(round.integration),
      textCell(round.roundRef),
      state.playerId,
      textCell(state.asset),
      textCell(round.game),
      numberCell(round.staked),
      numberCell(round.won),
      flagCell(round.closes),
      flagCell(round.opens),
      numberCell(round.guardMs),
    ]),
  );

const factRows = ({ before: { state }, events }: PlayerBatch, owner: string): readonly string[] =>
  events.map(({ eventId, type }) =>
    rowLiteral([owner, eventId, type, textCell(state.brand), state.playerId]),
  );
