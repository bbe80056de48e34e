/** Rows of wallets: read from PostgreSQL, and the changed columns as they are written. */
import { pools } from '#domain/wallet/chart.ts';
import { readWallet, usageColumns, walletText, type LoadedWallet } from './loaded-wallet.ts';
import { bytesCell, instantCell, numberCell } from './row-literals.ts';

/** Runs one prepared statement; both a pool and a transaction can be behind it. */
export type Execute = (name: string, text: string, values: readonly unknown[]) => Promise<readonly Row[]>;
export type Row = Readonly<Record<string, string | number | bigint | boolean | Buffer | object | null>>;

export const walletKey = (playerId: string, asset: string): string => `${playerId}/${asset}`;

const loadText = `select ${walletText} as wallet from wallet.player_wallet w
  join unnest($1::uuid[], $2::text[]) as k(player_id, asset) on w.player_id = k.player_id and w.asset = k.asset`;
const loadLockedText = `${loadText} order by w.player_id, w.asset for update of w`;
/** `$3` has a word for each wallet as it is remembered; what a word stands for need not be read. */
const loadMovedText = `select ${walletText} as wallet from wallet.player_wallet w
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
      const wallet = readWallet(text(row, 'wallet'));
      return [walletKey(wallet.state.playerId, wallet.state.asset), wallet];
    }),
  );

/** A column as text; throws on anything that has no plain text, which would be a mistake in the statement. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value.toString();
  throw new Error(`Invariant broken: ${column} is no text but ${typeof value}`);
}

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
