/** Holds: money of a player set aside for a named reason, taken in parts, given back, or expired. */
import { assert, fail, succeed, type Result } from '../failures.ts';
import type { Units } from '../money.ts';
import { suspenseOf, taxPayableOf, type HoldTarget } from './chart.ts';

export const holdStates = ['open', 'captured', 'released', 'expired'] as const;
export type HoldState = (typeof holdStates)[number];

/** Why staff may hold money. Where a capture goes is fixed by the reason, so that no capture can pick a pocket. */
export const holdReasons = ['legal-order', 'disputed-payment', 'tax-withholding', 'peer-claim'] as const;
export type HoldReason = (typeof holdReasons)[number];

const targets: Record<HoldReason, (jurisdiction: string) => HoldTarget> = {
  'legal-order': () => suspenseOf('legal-orders'),
  'disputed-payment': () => suspenseOf('disputed-payments'),
  'tax-withholding': taxPayableOf,
  'peer-claim': () => suspenseOf('peer-claims'),
};

/** The account that captures of a hold go to. */
export const holdTarget = (reason: HoldReason, jurisdiction: string): HoldTarget =>
  targets[reason](jurisdiction);

/** What the row says of a hold; captured + released never exceed the amount. */
export type HoldStanding = {
  readonly amount: Units;
  readonly captured: Units;
  readonly released: Units;
  readonly state: HoldState;
  /** By the database's clock. */
  readonly isPast: boolean;
};

export const heldRest = ({ amount, captured, released }: HoldStanding): Units => amount - captured - released;

/** Takes a part. The hold stays open until it is used up. Failures: `hold-not-open`, `hold-exceeded`. */
export function captureHold(hold: HoldStanding, part: Units): Result<HoldStanding> {
  assert(part > 0n, 'a capture takes a positive amount');
  if (hold.state !== 'open') return fail('hold-not-open', `The hold is ${hold.state}.`);
  if (hold.isPast) return fail('hold-not-open', 'The hold has run out.');
  const rest = heldRest(hold);
  if (part > rest) return fail('hold-exceeded', 'More would be captured than is still held.');
  return succeed({
    ...hold,
    captured: hold.captured + part,
    state: part === rest ? 'captured' : 'open',
  });
}

/** Gives the rest back; `expired` when time did it. Failure: `hold-not-open`. */
export function endHold(hold: HoldStanding, state: 'released' | 'expired'): Result<HoldStanding> {
  if (hold.state !== 'open') return fail('hold-not-open', `The hold is ${hold.state}.`);
  return succeed({ ...hold, released: hold.released + heldRest(hold), state });
}
