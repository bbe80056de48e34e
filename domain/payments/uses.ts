/**
 * What a payment is counted on and how it is asked about: a rule names a probe, the database counts it in the
 * transaction that reserves the payment, and the rule judges the tally. The same words serve limits of brands and of
 * card networks.
 */
import type { Failure } from '../failures.ts';

export type UseState = 'open' | 'approved' | 'declined' | 'void';

/** Which uses are counted. What is left out is not asked about. */
export type Probe = {
  /** `card:{id}`, `player:{id}`, `device:{id}` or `ip:{address}`. */
  readonly subject: string;
  /** Null for ever. */
  readonly windowS: number | null;
  readonly states: readonly UseState[];
  readonly flow?: 'deposit' | 'withdrawal' | 'ramp';
  readonly method?: string;
  readonly asset?: string;
  /** Units at ledger scale, as text. */
  readonly amount?: string;
  readonly psp?: string;
  /** Only uses that were refused so; one of the three is enough. */
  readonly refusal?: {
    readonly declineClass: string | null;
    readonly codes: readonly string[];
    readonly adviceCodes: readonly string[];
  };
};

/** What was counted before this payment. */
export type Tally = {
  readonly uses: number;
  readonly payments: number;
  /** Different cards. */
  readonly cards: number;
  /** Units at ledger scale. */
  readonly total: bigint;
  /** Seconds until the oldest one leaves the window; null where there is none, or no end. */
  readonly nextS: number | null;
};

/** The failure is safe to show: it says nothing of lists, cards or what others did. */
export type Refusal = Failure & {
  /** For staff: which rule or list entry said no. */
  readonly by: string;
};

/** A probe with its judge. */
export type UseGuard = {
  readonly probe: Probe;
  readonly judge: (tally: Tally) => Refusal | null;
};

/** The first refusal, in the order of the guards. Tallies come in that order, too. */
export function firstRefusal(guards: readonly UseGuard[], tallies: readonly Tally[]): Refusal | null {
  for (const [index, guard] of guards.entries()) {
    const tally = tallies[index];
    const refusal = tally === undefined ? null : guard.judge(tally);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** The answer to everything that must not say why: a tester of cards learns nothing from it. */
export const neutralRefusal = (by: string): Refusal => ({
  code: 'payment-method-unavailable',
  detail: 'This payment method cannot be used here; use another one.',
  by,
});

/** `nextS` as the time of another try. */
export const limitExceeded = (by: string, detail: string, nextS: number | null): Refusal => ({
  code: 'payment-limit-exceeded',
  detail,
  by,
  ...(nextS === null ? {} : { retryAfterS: Math.max(1, nextS) }),
});

/** What the caller hears. */
export const toFailure = ({ by: _by, ...failure }: Refusal): Failure => failure;
