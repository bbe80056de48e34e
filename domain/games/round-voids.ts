/** Voids of rounds by hand: the states of a proposal, and the text that the second person's word is bound to. */
import type { Units } from '../money.ts';

/** `approved`: two people said so, and the round's workflow has not done it yet. `stale`: the round has moved since. */
export const roundVoidStates = ['proposed', 'approved', 'rejected', 'carried-out', 'stale'] as const;
export type RoundVoidState = (typeof roundVoidStates)[number];

/** States that keep another proposal about the round away. */
export const openRoundVoidStates = ['proposed', 'approved'] as const satisfies readonly RoundVoidState[];

export const roundVoidOutcomes = ['approved', 'rejected', 'stale'] as const;

export type RoundVoidContent = {
  readonly id: string;
  readonly integration: string;
  readonly roundRef: string;
  readonly playerId: string;
  readonly asset: string;
  readonly roundVersion: number;
  readonly opening: number;
  /** The provider's ids of the stakes that go back. */
  readonly stakes: readonly string[];
  readonly amount: Units;
  readonly reason: string;
};

/** As JSON, because a provider's ids may hold any character, also one that would part lines. */
export const roundVoidContent = (proposal: RoundVoidContent): string =>
  JSON.stringify([
    'round-void',
    proposal.id,
    proposal.integration,
    proposal.roundRef,
    proposal.playerId,
    proposal.asset,
    proposal.roundVersion,
    proposal.opening,
    proposal.stakes,
    proposal.amount.toString(),
    proposal.reason,
  ]);
