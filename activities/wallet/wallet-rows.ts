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

const usageColumns = ['stake', 'loss'].flatMap((kind) =>
  ['day', 'week', 'month'].map((window) => `${kind}_${window}`),
);

/** What is read of a wallet, in the order of `fromCells`. */
const readColumns = [
  'w.player_id',
  'w.asset',
  'w.brand',
  'w.version',
  'w.jurisdiction',
  'w.stake_max',
  ...pools.flatMap((pool) => [`w.${pool}`, `w.${pool}_seq`, `encode(w.${pool}_head, 'hex')`]),
  'extract(epoch from w.play_blocked_until)',
  'w.play_block_reason',
  'extract(epoch from w.sessions_valid_from)',
  'w.play_limits',
  ...usageColumns,
  'extract(epoch from w.usage_at)',
  'w.award_id',
  'w.award_wagering_left',
  'w.award_bet_max',
  'extract(epoch from w.award_expires_at)',
];

/** ASCII's unit separator. No word of a wallet has it, and JSON writes it as an escape. */
const separator = '\x1f';

/**
 * As one value: what a column costs both sides to announce, they pay for every one of them at every read. A null is an
 * empty cell. Of a composite value PostgreSQL would look up how each part is written, every time anew.
 */
const columns = `concat(${readColumns.join(`, '${separator}', `)}) as wallet`;

const loadText = `select ${columns} from wallet.player_wallet w
  join unnest($1::uuid[], $2::text[]) as k(player_id, asset) on w.player_id = k.player_id and w.asset = k.asset`;
const loadLockedText = `${loadText} order by w.player_id, w.asset for update of w`;
/** `$3` has a word for each wallet as it is remembered; what a word stands for need not be read. */
const loadMovedText = `select ${columns} from wallet.player_wallet w
  where w.player_id = any ($1::uuid[]) and w.asset = any ($2::text[])
    and w.player_id::text || '/' || w.asset || '/' || w.version <> all ($3::text[])`;

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
      [...new Set(looks.map(({ asset }) => asset))],
      looks.flatMap(({ playerId, asset, remembered }) =>
        remembered ? [`${walletKey(playerId, asset)}/${remembered.version}`] : [],
      ),
    ]),
  );
  const now = new Map<string, LoadedWallet>();
  for (const { playerId, asset, remembered } of looks) {
    const key = walletKey(playerId, asset);
    // The statement also finds the wallets that one player of these has in the asset of another.
    const wallet = moved.get(key) ?? remembered;
    if (wallet) now.set(key, wallet);
  }
  return now;
}

const byKey = (rows: readonly Row[]): Map<string, LoadedWallet> =>
  new Map(
    rows.map((row) => {
      const wallet = fromCells(text(row, 'wallet').split(separator));
      return [walletKey(wallet.state.playerId, wallet.state.asset), wallet];
    }),
  );

type StoredLimit = {
  readonly kind: PlayLimit['kind'];
  readonly window: LimitWindow;
  readonly amount: string;
};

function fromCells(cells: readonly string[]): LoadedWallet {
  if (cells.length !== readColumns.length)
    throw new Error('Invariant broken: a word of a wallet has a separator in it');
  let at = 0;
  const optional = (): string | null => cells[at++] || null;
  const next = (): string => {
    const cell = optional();
    if (cell === null) throw new Error(`Invariant broken: ${readColumns[at - 1]} of a wallet is null`);
    return cell;
  };
  const units = (): bigint => BigInt(next());
  const optionalUnits = (): bigint | null => {
    const cell = optional();
    return cell === null ? null : BigInt(cell);
  };
  const windows = () => ({ day: units(), week: units(), month: units() });

  const [playerId, asset, brand] = [next(), next(), next()];
  const version = units();
  const jurisdiction = next();
  const stakeMax = optionalUnits();
  const balances: Partial<Record<Pool, bigint>> = {};
  const chains: Partial<Record<Pool, ChainHead>> = {};
  for (const pool of pools) {
    balances[pool] = units();
    chains[pool] = { seq: units(), hash: optional() };
  }
  const blockedUntil = optional();
  const playBlockReason = optional();
  const sessionsValidFromMs = instantMs(next());
  const limits = (JSON.parse(next()) as StoredLimit[]).map((limit) => ({
    ...limit,
    amount: BigInt(limit.amount),
  }));
  const [stake, loss] = [windows(), windows()];
  const usage = { atMs: instantMs(next()), stake, loss };
  const awardId = optional();
  const award =
    awardId === null
      ? null
      : { id: awardId, wageringLeft: units(), betMax: optionalUnits(), expiresAtMs: instantMs(next()) };
  return {
    version,
    chains: chains as LoadedWallet['chains'],
    state: {
      playerId,
      asset,
      brand,
      jurisdiction,
      stakeMax,
      balances: balances as WalletState['balances'],
      playBlockedUntilMs: blockedUntil === null ? null : instantMs(blockedUntil),
      playBlockReason,
      sessionsValidFromMs,
      limits,
      usage,
      award,
    },
  };
}

/** A column as text; throws on anything that has no plain text, which would be a mistake in the statement. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value.toString();
  throw new Error(`Invariant broken: ${column} is no text but ${typeof value}`);
}

/** Milliseconds from epoch text; PostgreSQL's infinities arrive as 'Infinity' and '-Infinity'. */
const instantMs = (epoch: string): number => Number(epoch) * 1_000;

/** Names of the columns that a batch changes, in the order of `walletCells`. */
export const walletColumns: readonly string[] = [
  ...pools.flatMap((pool) => [pool, `${pool}_seq`, `${pool}_head`]),
  ...usageColumns,
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
