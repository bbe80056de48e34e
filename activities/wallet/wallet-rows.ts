/** Wallet rows read from PostgreSQL and turned into the reducer's state, with the chain heads that only writers need. */
import { pools, type Pool } from '#domain/wallet/chart.ts';
import type { LimitWindow, PlayLimit, WalletState } from '#domain/wallet/state.ts';
import { bytesCell, instantCell, numberCell } from './row-literals.ts';

export type ChainHead = {
  readonly seq: bigint;
  /** Hex; null before the first entry. */
  readonly hash: string | null;
};

export type LoadedWallet = {
  readonly state: WalletState;
  /** The fence: a write holds only while the row still has this version. */
  readonly version: bigint;
  readonly chains: Readonly<Record<Pool, ChainHead>>;
};

/** Runs one prepared statement; both a pool and a transaction can be behind it. */
export type Execute = (name: string, text: string, values: readonly unknown[]) => Promise<readonly Row[]>;
export type Row = Readonly<Record<string, string | number | bigint | boolean | Buffer | object | null>>;

export const walletKey = (playerId: string, asset: string): string => `${playerId}/${asset}`;

const columns = `w.player_id as "playerId", w.asset, w.brand, w.version, w.jurisdiction, w.stake_max as "stakeMax",
  w.cash, w.cash_seq as "cashSeq", encode(w.cash_head, 'hex') as "cashHead",
  w.bonus, w.bonus_seq as "bonusSeq", encode(w.bonus_head, 'hex') as "bonusHead",
  w.held, w.held_seq as "heldSeq", encode(w.held_head, 'hex') as "heldHead",
  w.receivable, w.receivable_seq as "receivableSeq", encode(w.receivable_head, 'hex') as "receivableHead",
  extract(epoch from w.play_blocked_until)::text as "playBlockedUntil", w.play_block_reason as "playBlockReason",
  extract(epoch from w.sessions_valid_from)::text as "sessionsValidFrom", w.play_limits as "playLimits",
  w.stake_day as "stakeDay", w.stake_week as "stakeWeek", w.stake_month as "stakeMonth",
  w.loss_day as "lossDay", w.loss_week as "lossWeek", w.loss_month as "lossMonth",
  extract(epoch from w.usage_at)::text as "usageAt",
  w.award_id as "awardId", w.award_wagering_left as "awardWageringLeft", w.award_bet_max as "awardBetMax",
  extract(epoch from w.award_expires_at)::text as "awardExpiresAt"`;

const loadText = `select ${columns} from wallet.player_wallet w
  join unnest($1::uuid[], $2::text[]) as k(player_id, asset) on w.player_id = k.player_id and w.asset = k.asset`;
const loadLockedText = `${loadText} order by w.player_id, w.asset for update of w`;
const loadMovedText = `select ${columns} from wallet.player_wallet w
  join unnest($1::uuid[], $2::text[], $3::bigint[]) as k(player_id, asset, version)
    on w.player_id = k.player_id and w.asset = k.asset and w.version is distinct from k.version`;

export type WalletId = { readonly playerId: string; readonly asset: string };

/** Reads wallets by id; with `lock` their rows stay locked, in id order, until the transaction ends. */
export async function loadWallets(
  execute: Execute,
  ids: readonly WalletId[],
  lock: boolean,
): Promise<Map<string, LoadedWallet>> {
  const values = [ids.map((id) => id.playerId), ids.map((id) => id.asset)];
  return byKey(
    await (lock
      ? execute('wallet-load-locked', loadLockedText, values)
      : execute('wallet-load', loadText, values)),
  );
}

/** A wallet to look at; null where nothing is remembered of it. */
export type WalletLook = WalletId & { readonly remembered: LoadedWallet | null };

/**
 * The wallets as they are now. A row that still has the version of what is remembered of it is that, since nothing
 * changes a wallet without its version: it is not read out again.
 */
export async function refreshWallets(
  execute: Execute,
  looks: readonly WalletLook[],
): Promise<Map<string, LoadedWallet>> {
  const moved = byKey(
    await execute('wallet-load-moved', loadMovedText, [
      looks.map(({ playerId }) => playerId),
      looks.map(({ asset }) => asset),
      looks.map(({ remembered }) => remembered?.version.toString() ?? null),
    ]),
  );
  for (const { playerId, asset, remembered } of looks) {
    const key = walletKey(playerId, asset);
    if (remembered && !moved.has(key)) moved.set(key, remembered);
  }
  return moved;
}

const byKey = (rows: readonly Row[]): Map<string, LoadedWallet> =>
  new Map(rows.map((row) => [walletKey(text(row, 'playerId'), text(row, 'asset')), fromRow(row)]));

function fromRow(row: Row): LoadedWallet {
  const award = optional(row, 'awardId');
  return {
    version: units(row, 'version'),
    chains: {
      cash: chainHead(row, 'cash'),
      bonus: chainHead(row, 'bonus'),
      held: chainHead(row, 'held'),
      receivable: chainHead(row, 'receivable'),
    },
    state: {
      playerId: text(row, 'playerId'),
      asset: text(row, 'asset'),
      brand: text(row, 'brand'),
      jurisdiction: text(row, 'jurisdiction'),
      stakeMax: optional(row, 'stakeMax') === null ? null : units(row, 'stakeMax'),
      balances: {
        cash: units(row, 'cash'),
        bonus: units(row, 'bonus'),
        held: units(row, 'held'),
        receivable: units(row, 'receivable'),
      },
      playBlockedUntilMs:
        optional(row, 'playBlockedUntil') === null ? null : instantMs(row, 'playBlockedUntil'),
      playBlockReason: optional(row, 'playBlockReason'),
      sessionsValidFromMs: instantMs(row, 'sessionsValidFrom'),
      limits: (row['playLimits'] as { kind: PlayLimit['kind']; window: LimitWindow; amount: string }[]).map(
        (limit) => ({
          ...limit,
          amount: BigInt(limit.amount),
        }),
      ),
      usage: {
        atMs: instantMs(row, 'usageAt'),
        stake: {
          day: units(row, 'stakeDay'),
          week: units(row, 'stakeWeek'),
          month: units(row, 'stakeMonth'),
        },
        loss: { day: units(row, 'lossDay'), week: units(row, 'lossWeek'), month: units(row, 'lossMonth') },
      },
      award:
        award === null
          ? null
          : {
              id: award,
              wageringLeft: units(row, 'awardWageringLeft'),
              betMax: optional(row, 'awardBetMax') === null ? null : units(row, 'awardBetMax'),
              expiresAtMs: instantMs(row, 'awardExpiresAt'),
            },
    },
  };
}

const chainHead = (row: Row, pool: Pool): ChainHead => ({
  seq: units(row, `${pool}Seq`),
  hash: optional(row, `${pool}Head`),
});

/** A column as text; throws on anything that has no plain text, which would be a mistake in the statement. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value.toString();
  throw new Error(`Invariant broken: ${column} is no text but ${typeof value}`);
}

const optional = (row: Row, column: string): string | null =>
  row[column] === null ? null : text(row, column);
const units = (row: Row, column: string): bigint => BigInt(text(row, column));

/** Milliseconds from epoch text; PostgreSQL's infinities arrive as 'Infinity' and '-Infinity'. */
const instantMs = (row: Row, column: string): number => Number(text(row, column)) * 1_000;

/** Names of the columns that a batch changes, in the order of `walletCells`. */
export const walletColumns: readonly string[] = [
  ...pools.flatMap((pool) => [pool, `${pool}_seq`, `${pool}_head`]),
  ...(['stake', 'loss'] as const).flatMap((kind) =>
    (['day', 'week', 'month'] as const).map((window) => `${kind}_${window}`),
  ),
  'usage_at',
  'award_id',
  'award_wagering_left',
  'award_bet_max',
  'award_expires_at',
];

/** The changed columns of a wallet as cells of its row, in the order of `walletColumns`. */
export function walletCells({ state, chains }: LoadedWallet): readonly string[] {
  const { stake, loss, atMs } = state.usage;
  const cells: string[] = [];
  for (const pool of pools)
    cells.push(numberCell(state.balances[pool]), numberCell(chains[pool].seq), bytesCell(chains[pool].hash));
  for (const { day, week, month } of [stake, loss])
    cells.push(numberCell(day), numberCell(week), numberCell(month));
  cells.push(instantCell(atMs));
  const { award } = state;
  if (award === null) cells.push('', '', '', '');
  else
    cells.push(
      award.id,
      numberCell(award.wageringLeft),
      numberCell(award.betMax),
      instantCell(award.expiresAtMs),
    );
  return cells;
}
