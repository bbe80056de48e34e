/** Whether a bet may be taken as it is asked for: prices, states of markets, relations between legs, stakes and payouts. */
import { fail, succeed, type Result } from '../../failures.ts';
import type { Units } from '../../money.ts';
import type { BookLimits } from './limits.ts';
import { formatOdds, type Odds } from './odds.ts';
import { potentialPayout } from './settlement.ts';

/** What the player lets happen to a price that moved: nothing, only what is better for him, or anything. */
export const acceptances = ['exact', 'accept-better', 'accept-any'] as const;
export type Acceptance = (typeof acceptances)[number];

export const legsMax = 12;

/** A leg as the player saw it, beside the selection as it stands; null where there is no such selection. */
export type OfferedLeg = {
  readonly eventId: string;
  readonly oddsSeen: Odds;
  readonly selection: {
    readonly odds: Odds;
    readonly isActive: boolean;
    readonly marketState: string;
    readonly eventState: string;
    /** By the database's clock. */
    readonly hasBegun: boolean;
  } | null;
};

export type Offer = {
  readonly stake: Units;
  readonly payableUnit: Units;
  readonly acceptance: Acceptance;
  readonly legs: readonly OfferedLeg[];
  readonly limits: BookLimits;
  /** Largest stake that this player may place, where an operator has set one. */
  readonly playerStakeMax: Units | null;
};

export type AcceptedOffer = { readonly odds: readonly Odds[]; readonly potentialPayout: Units };

/**
 * The prices under which the bet is taken. Failures, with pointers to the legs where there are any: `unknown-selection`,
 * `related-legs`, `market-closed`, `market-suspended`, `odds-changed` (the detail of a field is the new price),
 * `stake-out-of-range`, `player-stake-limit`, `payout-too-large`.
 */
export function acceptOffer(offer: Offer): Result<AcceptedOffer> {
  return refuseLegs(offer) ?? refuseStakes(offer) ?? acceptPrices(offer);
}

type Refusal = ReturnType<typeof fail>;

function refuseLegs({ legs, acceptance }: Offer): Refusal | null {
  const events = new Set(legs.map(({ eventId }) => eventId));
  if (events.size < legs.length)
    return fail('related-legs', 'Legs of one event are related and cannot stand in one bet.');
  return (
    refuseWhere(
      legs,
      'unknown-selection',
      'There is no such selection.',
      ({ selection }) => selection === null,
    ) ??
    refuseWhere(legs, 'market-closed', 'The market takes no more bets.', isClosed) ??
    refuseWhere(legs, 'market-suspended', 'The market takes no bets at the moment.', isSuspended) ??
    refuseMovedPrices(legs, acceptance)
  );
}

function refuseWhere(
  legs: readonly OfferedLeg[],
  code: Parameters<typeof fail>[0],
  detail: string,
  isRefused: (leg: OfferedLeg) => boolean,
): Refusal | null {
  const fields = legs.flatMap((leg, index) =>
    isRefused(leg) ? [{ pointer: `/legs/${index}/selectionId`, detail }] : [],
  );
  return fields.length === 0 ? null : fail(code, detail, { fields });
}

/** An event that has begun is bet on only while its feed calls it live. */
const isClosed = ({ selection }: OfferedLeg): boolean =>
  selection !== null &&
  (selection.marketState === 'closed' ||
    selection.marketState === 'resulted' ||
    selection.eventState === 'ended' ||
    selection.eventState === 'cancelled' ||
    (selection.hasBegun && selection.eventState !== 'live'));

const isSuspended = ({ selection }: OfferedLeg): boolean =>
  selection !== null && (selection.marketState === 'suspended' || !selection.isActive);

function refuseMovedPrices(legs: readonly OfferedLeg[], acceptance: Acceptance): Refusal | null {
  const fields = legs.flatMap(({ selection, oddsSeen }, index) =>
    selection === null || isTolerable(acceptance, oddsSeen, selection.odds)
      ? []
      : [{ pointer: `/legs/${index}/odds`, detail: formatOdds(selection.odds) }],
  );
  return fields.length === 0
    ? null
    : fail('odds-changed', 'The odds have changed; the errors carry the new ones.', { fields });
}

function isTolerable(acceptance: Acceptance, seen: Odds, now: Odds): boolean {
  switch (acceptance) {
    case 'exact':
      return now === seen;
    case 'accept-better':
      return now >= seen;
    case 'accept-any':
      return true;
  }
}

function refuseStakes({ stake, limits, playerStakeMax }: Offer): Refusal | null {
  if (stake < limits.stakeMin || stake > limits.stakeMax)
    return fail('stake-out-of-range', 'The stake is below the smallest or above the largest that is taken.');
  if (playerStakeMax !== null && stake > playerStakeMax)
    return fail('player-stake-limit', 'The stake is above the largest that is taken of this player.');
  return null;
}

function acceptPrices({ stake, payableUnit, legs, limits }: Offer): Result<AcceptedOffer> {
  const odds = legs.flatMap(({ selection }) => (selection === null ? [] : [selection.odds]));
  const payout = potentialPayout(stake, odds, payableUnit);
  if (payout > limits.payoutMax)
    return fail('payout-too-large', 'The bet could pay more than one bet may; place a smaller stake.');
  return succeed({ odds, potentialPayout: payout });
}
