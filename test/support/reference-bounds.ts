/**
 * What binds a player in the reference ledger of the model test: time, brakes, limits, caps and holds that run out. It is
 * written from the rules and imports nothing, so that it shares no mistake with the reducer.
 */

type Window = 'day' | 'week' | 'month';

/** What happens to a player beside commands: the clock goes on, staff and the player himself set what he must obey. */
export type Bound =
  | { readonly kind: 'wait'; readonly hours: number }
  /** Without an end it is for good; no reason lifts it. */
  | {
      readonly kind: 'brake';
      readonly reason: 'self-exclusion' | 'time-out' | 'locked' | null;
      readonly hours: number | null;
    }
  | {
      readonly kind: 'limit';
      readonly counts: 'stake' | 'loss';
      readonly window: Window;
      readonly amount: bigint | null;
    }
  | { readonly kind: 'cap'; readonly amount: bigint | null };

/** A hold of staff with an end of its own, taken in parts; the sweep gives back what has run out. */
export type HoldStep =
  | { readonly kind: 'hold-open'; readonly id: string; readonly amount: bigint; readonly hours: number }
  | { readonly kind: 'hold-take'; readonly id: string; readonly amount: bigint }
  | { readonly kind: 'hold-give'; readonly id: string }
  | { readonly kind: 'hold-sweep' };

/** What a limit counts, at the instant at which it counts. What was undone never happened. */
export type Counted = {
  readonly atMs: number;
  readonly stake: bigint;
  readonly loss: bigint;
  stands: boolean;
};

const hourMs = 3_600_000;

/** The calendar day, month, or Monday of the week, in UTC, as text. */
function windowOf(window: Window, atMs: number): string {
  const date = new Date(atMs);
  if (window === 'month') return date.toISOString().slice(0, 7);
  if (window === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}

export class ReferenceBounds {
  nowMs: number;
  private blocked: { readonly reason: string; readonly untilMs: number } | null = null;
  private readonly limits = new Map<
    string,
    { readonly counts: 'stake' | 'loss'; readonly window: Window; readonly amount: bigint }
  >();
  private cap: bigint | null = null;
  private readonly counted: Counted[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  take(bound: Bound): void {
    switch (bound.kind) {
      case 'wait':
        this.nowMs += bound.hours * hourMs;
        return;
      case 'brake':
        this.blocked =
          bound.reason === null
            ? null
            : {
                reason: bound.reason,
                untilMs: bound.hours === null ? Number.POSITIVE_INFINITY : this.nowMs + bound.hours * hourMs,
              };
        return;
      case 'limit': {
        const { counts, window, amount } = bound;
        if (amount === null) this.limits.delete(`${counts} ${window}`);
        else this.limits.set(`${counts} ${window}`, { counts, window, amount });
        return;
      }
      case 'cap':
        this.cap = bound.amount;
    }
  }

  /** Why a stake may not be placed now, or null. */
  refusal(amount: bigint, sessionEndsAtMs: number, isFree: boolean): string | null {
    if (this.blocked && this.nowMs < this.blocked.untilMs)
      return this.blocked.reason === 'self-exclusion' ? 'self-excluded' : 'player-blocked';
    if (this.nowMs >= sessionEndsAtMs) return 'session-expired';
    if (isFree) return null;
    for (const { counts, window, amount: most } of this.limits.values())
      if (this.sum(counts, window, this.nowMs) + amount > most) return 'play-limit-exceeded';
    return this.cap !== null && amount > this.cap ? 'stake-too-large' : null;
  }

  count(stake: bigint, loss: bigint, atMs = this.nowMs): Counted {
    const counted = { atMs, stake, loss, stands: true };
    this.counted.push(counted);
    return counted;
  }

  /** What stands of the window in which an instant lies. */
  sum(counts: 'stake' | 'loss', window: Window, atMs: number): bigint {
    const here = windowOf(window, atMs);
    let sum = 0n;
    for (const one of this.counted)
      if (one.stands && one[counts] !== 0n && windowOf(window, one.atMs) === here) sum += one[counts];
    return sum;
  }
}

/** The player's purse, as far as holds move it. */
export type Purse = { real: bigint; reserved: bigint; receive(amount: bigint): void };

export class ReferenceHolds {
  private readonly holds = new Map<string, { rest: bigint; readonly untilMs: number; isOver: boolean }>();
  private readonly purse: Purse;

  constructor(purse: Purse) {
    this.purse = purse;
  }

  run(step: HoldStep, nowMs: number): string {
    if (step.kind === 'hold-sweep') {
      const due = [...this.holds.values()].filter((hold) => !hold.isOver && hold.untilMs <= nowMs);
      return `swept ${due.filter((hold) => this.giveBack(hold)).length}`;
    }
    const hold = this.holds.get(step.id);
    if (step.kind === 'hold-open') {
      if (hold) return 'repeat';
      if (this.purse.real < step.amount) return 'insufficient-funds';
      this.purse.real -= step.amount;
      this.purse.reserved += step.amount;
      this.holds.set(step.id, { rest: step.amount, untilMs: nowMs + step.hours * hourMs, isOver: false });
      return 'posted';
    }
    if (!hold) return 'not-found';
    if (hold.isOver) return 'hold-not-open';
    if (step.kind === 'hold-give') return this.giveBack(hold) ? 'posted' : 'insufficient-funds';
    if (hold.untilMs <= nowMs) return 'hold-not-open';
    if (step.amount > hold.rest) return 'hold-exceeded';
    if (this.purse.reserved < step.amount) return 'insufficient-funds';
    this.purse.reserved -= step.amount;
    hold.rest -= step.amount;
    hold.isOver = hold.rest === 0n;
    return 'posted';
  }

  private giveBack(hold: { rest: bigint; isOver: boolean }): boolean {
    // Other commands of the model draw on what is held without asking for a hold's row.
    if (this.purse.reserved < hold.rest) return false;
    this.purse.reserved -= hold.rest;
    this.purse.receive(hold.rest);
    hold.isOver = true;
    return true;
  }
}
