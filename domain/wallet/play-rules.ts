/** What a new stake must obey: brakes, session, limits, maximum bet. Wins and rollbacks never pass here. */
import { fail, type Failure } from '../failures.ts';
import type { Units } from '../money.ts';
import { refuseLargeStake, type StakeCap } from './stake-caps.ts';
import { isAwardLive, limitWindows, type LimitWindow, type PlayUsage, type WalletState } from './state.ts';

const dayMs = 86_400_000;

/** Number of the calendar window (UTC; weeks begin on Monday) in which an instant lies. */
export function windowNumber(window: LimitWindow, atMs: number): number {
  if (!Number.isFinite(atMs)) return Number.NEGATIVE_INFINITY;
  const day = Math.floor(atMs / dayMs);
  switch (window) {
    case 'day':
      return day;
    case 'week':
      // 1 January 1970 was a Thursday.
      return Math.floor((day + 3) / 7);
    case 'month': {
      const date = new Date(atMs);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    }
  }
}

/** Usage as of `nowMs`: counters of windows that have ended start again at zero. */
export function rollUsage(usage: PlayUsage, nowMs: number): PlayUsage {
  const stake = { ...usage.stake };
  const loss = { ...usage.loss };
  for (const window of limitWindows) {
    if (windowNumber(window, usage.atMs) < windowNumber(window, nowMs)) {
      stake[window] = 0n;
      loss[window] = 0n;
    }
  }
  return { atMs: Math.max(usage.atMs, nowMs), stake, loss };
}

/**
 * Adds to the counters of the windows in which `countsAtMs` lies. What is undone belongs to the instant of what it
 * undoes: yesterday's bet given back frees nothing of today's limits. `usage` must have been rolled to now.
 */
export function addUsage(usage: PlayUsage, stake: Units, loss: Units, countsAtMs = usage.atMs): PlayUsage {
  const next = { atMs: usage.atMs, stake: { ...usage.stake }, loss: { ...usage.loss } };
  for (const window of limitWindows) {
    if (windowNumber(window, countsAtMs) !== windowNumber(window, usage.atMs)) continue;
    next.stake[window] += stake;
    next.loss[window] += loss;
  }
  return next;
}

/** The reason why this stake may not be placed now, or null. `usage` must have been rolled to `nowMs`. */
export function refuseStake(
  state: WalletState,
  usage: PlayUsage,
  stake: {
    readonly amount: Units;
    readonly sessionIssuedAtMs: number;
    readonly sessionExpiresAtMs: number;
    readonly isFree?: boolean;
    readonly stakeCaps?: readonly StakeCap[];
  },
  nowMs: number,
): Failure | null {
  if (state.playBlockedUntilMs !== null && state.playBlockedUntilMs > nowMs) {
    const code = state.playBlockReason === 'self-exclusion' ? 'self-excluded' : 'player-blocked';
    return fail(code, 'The player may not place bets now.').failure;
  }
  if (stake.sessionExpiresAtMs <= nowMs || stake.sessionIssuedAtMs < state.sessionsValidFromMs) {
    return fail('session-expired', 'The game session has ended.').failure;
  }
  if (stake.isFree) return null;
  for (const limit of state.limits) {
    const used = usage[limit.kind][limit.window] + stake.amount;
    if (used > limit.amount)
      return fail('play-limit-exceeded', `The ${limit.window}'s ${limit.kind} limit is reached.`).failure;
  }
  const tooLarge = refuseLargeStake(state, stake);
  if (tooLarge) return tooLarge;
  const betMax = isAwardLive(state, nowMs) ? state.award?.betMax : null;
  if (betMax !== null && betMax !== undefined && stake.amount > betMax && state.balances.bonus > 0n) {
    return fail('bonus-bet-too-large', 'The stake is above the maximum while a bonus is wagered.').failure;
  }
  return null;
}
