/**
 * A wallet as the writer knows it, and the same as one text: how it is read from PostgreSQL, and how it is remembered
 * where many have to fit.
 */
import { pools, type Pool } from '#domain/wallet/chart.ts';
import type { LimitWindow, PlayLimit, WalletState } from '#domain/wallet/state.ts';

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

export const usageColumns = ['stake', 'loss'].flatMap((kind) =>
  ['day', 'week', 'month'].map((window) => `${kind}_${window}`),
);

/** As milliseconds, so that an instant is the same number however often it is written and read. */
const instant = (column: string): string => `extract(epoch from w.${column}) * 1000`;

/** What the cells of the text are, in the order of `readWallet` and `writeWallet`. */
const cells = [
  'w.player_id',
  'w.asset',
  'w.brand',
  'w.version',
  'w.jurisdiction',
  'w.stake_max',
  ...pools.flatMap((pool) => [`w.${pool}`, `w.${pool}_seq`, `encode(w.${pool}_head, 'hex')`]),
  instant('play_blocked_until'),
  'w.play_block_reason',
  instant('sessions_valid_from'),
  'w.play_limits',
  ...usageColumns,
  instant('usage_at'),
  'w.award_id',
  'w.award_wagering_left',
  'w.award_bet_max',
  instant('award_expires_at'),
];

/** ASCII's unit separator. No word of a wallet has it, and JSON writes it as an escape. */
const separator = '\x1f';

/**
 * SQL of the text of `wallet.player_wallet w`. One value: what a column costs both sides to announce, they pay for every
 * one of them at every read. A null is an empty cell. Of a composite value PostgreSQL would look up how each part is
 * written, every time anew.
 */
export const walletText = `concat(${cells.join(`, '${separator}', `)})`;

type StoredLimit = {
  readonly kind: PlayLimit['kind'];
  readonly window: LimitWindow;
  readonly amount: string;
};

/** The wallet that a text says. Throws on a text that `walletText` and `writeWallet` do not give. */
export function readWallet(text: string): LoadedWallet {
  const given = text.split(separator);
  if (given.length !== cells.length)
    throw new Error('Invariant broken: a word of a wallet has a separator in it');
  let at = 0;
  const optional = (): string | null => given[at++] || null;
  const next = (): string => {
    const cell = optional();
    if (cell === null) throw new Error(`Invariant broken: ${cells[at - 1]} of a wallet is null`);
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
  const sessionsValidFromMs = Number(next());
  const limits = (JSON.parse(next()) as StoredLimit[]).map((limit) => ({
    ...limit,
    amount: BigInt(limit.amount),
  }));
  const [stake, loss] = [windows(), windows()];
  const usage = { atMs: Number(next()), stake, loss };
  const awardId = optional();
  const award =
    awardId === null
      ? null
      : { id: awardId, wageringLeft: units(), betMax: optionalUnits(), expiresAtMs: Number(next()) };
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
      playBlockedUntilMs: blockedUntil === null ? null : Number(blockedUntil),
      playBlockReason,
      sessionsValidFromMs,
      limits,
      usage,
      award,
    },
  };
}

/** The text of a wallet: `readWallet` gives the same wallet back. */
export function writeWallet({ state, version, chains }: LoadedWallet): string {
  const { usage, award } = state;
  const limits: StoredLimit[] = state.limits.map(({ kind, window, amount }) => ({
    kind,
    window,
    amount: amount.toString(),
  }));
  return [
    state.playerId,
    state.asset,
    state.brand,
    version,
    state.jurisdiction,
    state.stakeMax,
    ...pools.flatMap((pool) => [state.balances[pool], chains[pool].seq, chains[pool].hash]),
    state.playBlockedUntilMs,
    state.playBlockReason,
    state.sessionsValidFromMs,
    JSON.stringify(limits),
    ...[usage.stake, usage.loss].flatMap(({ day, week, month }) => [day, week, month]),
    usage.atMs,
    ...(award === null
      ? [null, null, null, null]
      : [award.id, award.wageringLeft, award.betMax, award.expiresAtMs]),
  ].join(separator);
}
