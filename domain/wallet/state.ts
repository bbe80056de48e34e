/** One player's wallet in one asset: all that a command must obey, as the reducer sees it. */
import type { Units } from '../money.ts';
import type { PoolBalances } from './postings.ts';

export const limitWindows = ['day', 'week', 'month'] as const;
export type LimitWindow = (typeof limitWindows)[number];

export type PlayLimit = {
  readonly kind: 'stake' | 'loss';
  readonly window: LimitWindow;
  readonly amount: Units;
};

/** Used amounts of the calendar windows (UTC) in which `atMs` lies. Loss is stakes minus wins and may be negative. */
export type PlayUsage = {
  readonly atMs: number;
  readonly stake: Readonly<Record<LimitWindow, Units>>;
  readonly loss: Readonly<Record<LimitWindow, Units>>;
};

export type LiveAward = {
  readonly id: string;
  readonly wageringLeft: Units;
  /** Largest stake while wagering; null where the terms set none. */
  readonly betMax: Units | null;
  readonly expiresAtMs: number;
};

export type WalletState = {
  readonly playerId: string;
  readonly asset: string;
  readonly brand: string;
  readonly balances: PoolBalances;
  /** Instant until which no bet is admitted; Infinity for no end, null for no brake. */
  readonly playBlockedUntilMs: number | null;
  readonly playBlockReason: string | null;
  /** Game tokens issued before this instant are expired. */
  readonly sessionsValidFromMs: number;
  readonly limits: readonly PlayLimit[];
  readonly usage: PlayUsage;
  readonly award: LiveAward | null;
  readonly jurisdiction: string;
  /** Largest single stake of this player; null for none. */
  readonly stakeMax: Units | null;
};

/** What the player can stake right now, as game dialects show it: never below zero. */
export function playableBalance(state: WalletState, nowMs: number): Units {
  const bonus = isAwardLive(state, nowMs) ? state.balances.bonus : 0n;
  return state.balances.cash + bonus;
}

export const isAwardLive = (state: WalletState, nowMs: number): boolean =>
  state.award !== null && state.award.expiresAtMs > nowMs;
