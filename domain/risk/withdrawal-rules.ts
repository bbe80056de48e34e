/** Whether a withdrawal may go by itself: a pure rule over facts, versioned, each reason with a name of its own. */
import type { Units } from '../money.ts';
import type { ScoreBand } from './scorecard.ts';

/** Stored with every assessment; change it with any change of meaning below. */
export const withdrawalRuleVersion = 'withdrawal-3';

export const youngAccountHours = 24;
export const devicesMax = 5;
/** Other players who use one of this player's devices. */
export const linkedPlayersMax = 9;
/** Paid out and asked for, as a multiple of everything deposited. */
export const payoutRatioMax = 10n;

export type WithdrawalFacts = {
  readonly accountAgeHours: number;
  readonly isFirstWithdrawal: boolean;
  readonly requested: Units;
  /** Captured deposits and paid withdrawals of all time, in the asset of the request. */
  readonly deposited: Units;
  readonly withdrawn: Units;
  /** Of the last 90 days, where money that passes through without play shows. */
  readonly recentlyDeposited: Units;
  readonly recentlyStaked: Units;
  readonly devices: number;
  readonly linkedPlayers: number;
  /** The address of the newest session was first seen within a day, on an account older than that. */
  readonly isAddressNew: boolean;
  /** By the scorecard in force; null where none is. */
  readonly fraudBand?: ScoreBand | null;
  readonly fraudScore?: number | null;
};

export type RiskReason =
  | 'device-of-many-players'
  | 'young-account'
  | 'first-withdrawal'
  | 'little-play'
  | 'far-more-than-deposited'
  | 'many-devices'
  | 'shared-device'
  | 'new-address'
  | 'fraud-score';

export type RiskVerdict = {
  readonly outcome: 'accept' | 'review' | 'refuse';
  readonly reasons: readonly RiskReason[];
};

const rules: readonly {
  readonly reason: RiskReason;
  readonly outcome: 'review' | 'refuse';
  readonly holds: (facts: WithdrawalFacts) => boolean;
}[] = [
  {
    reason: 'device-of-many-players',
    outcome: 'refuse',
    holds: (facts) => facts.linkedPlayers > linkedPlayersMax,
  },
  { reason: 'young-account', outcome: 'review', holds: (facts) => facts.accountAgeHours < youngAccountHours },
  { reason: 'first-withdrawal', outcome: 'review', holds: (facts) => facts.isFirstWithdrawal },
  {
    reason: 'little-play',
    outcome: 'review',
    holds: (facts) => facts.recentlyStaked < facts.recentlyDeposited,
  },
  {
    reason: 'far-more-than-deposited',
    outcome: 'review',
    holds: (facts) => facts.withdrawn + facts.requested > facts.deposited * payoutRatioMax,
  },
  { reason: 'many-devices', outcome: 'review', holds: (facts) => facts.devices > devicesMax },
  { reason: 'shared-device', outcome: 'review', holds: (facts) => facts.linkedPlayers > 0 },
  { reason: 'new-address', outcome: 'review', holds: (facts) => facts.isAddressNew },
  { reason: 'fraud-score', outcome: 'review', holds: (facts) => facts.fraudBand === 'review' },
  { reason: 'fraud-score', outcome: 'refuse', holds: (facts) => facts.fraudBand === 'refuse' },
];

/** The strictest outcome of all rules that hold, with every one of them named. */
export function assessWithdrawalFacts(facts: WithdrawalFacts): RiskVerdict {
  const held = rules.filter((rule) => rule.holds(facts));
  const reasons = held.map((rule) => rule.reason);
  if (held.some((rule) => rule.outcome === 'refuse')) return { outcome: 'refuse', reasons };
  return { outcome: held.length > 0 ? 'review' : 'accept', reasons };
}
