/** What may happen to a limit at once and what has to wait, and whether a deposit fits the limits. */
import { fail, succeed, type Result } from '../failures.ts';
import type { Units } from '../money.ts';
import type { LimitWindow } from './windows.ts';

export const limitKinds = ['deposit', 'loss', 'stake'] as const;

export type LimitKind = (typeof limitKinds)[number];

/** 'now' protects the player more, so it holds at once; 'later' protects less and cools off first. */
export type LimitTiming = 'now' | 'later' | 'unchanged';

/** When a change from `current` to `wanted` may hold; null is "no limit". */
export function timingOfChange(current: Units | null, wanted: Units | null): LimitTiming {
  if (wanted === null) return current === null ? 'unchanged' : 'later';
  if (current === null || wanted <= current) return 'now';
  return 'later';
}

export type DepositLimit = { readonly window: LimitWindow; readonly amount: Units };

export type DepositUsage = Readonly<Record<LimitWindow, Units>>;

/**
 * Whether `amount` fits every limit on top of what the windows have used; the lowest remainder counts.
 * Failures: `deposit-limit-required` when a limit must exist and none does, `deposit-limit-exceeded`.
 */
export function checkDeposit(
  limits: readonly DepositLimit[],
  usage: DepositUsage,
  amount: Units,
  isLimitRequired: boolean,
): Result<void> {
  if (isLimitRequired && limits.length === 0) {
    return fail('deposit-limit-required', 'Set a deposit limit before depositing.');
  }
  const broken = limits.find((limit) => usage[limit.window] + amount > limit.amount);
  return broken
    ? fail('deposit-limit-exceeded', `The deposit does not fit the deposit limit of this ${broken.window}.`)
    : succeed(undefined);
}
