/** The public face of the `round` workflow: one for each round left open past its guard time. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';

export type RoundInput = {
  readonly integration: string;
  readonly roundRef: string;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  /** Which opening of the round by a stake is asked about, counted from one; missing in runs that are older than openings. */
  readonly opening?: number;
  /** Set in a run that continues one whose round waits for a person. */
  readonly waiting?: { readonly asked: number };
};

/** `reopened`: the round was over and took another stake, about which another workflow asks. */
export type RoundStage = 'asking-provider' | 'with-a-person' | 'settled' | 'void' | 'reopened';
export type RoundView = { readonly stage: RoundStage; readonly asked: number };

/**
 * Player behind the round: a live game's round is shared by many players, and each of them has a workflow. An id is used
 * once, so each later opening has its own.
 */
export const roundWorkflowId = ({
  integration,
  roundRef,
  playerId,
  opening = 1,
}: Pick<RoundInput, 'integration' | 'roundRef' | 'playerId' | 'opening'>) =>
  `round:${integration}:${roundRef}:${playerId}${opening > 1 ? (`:r${opening}` as const) : ''}` as const;

export type RoundResolution = {
  readonly operatorId: string;
  readonly outcome: 'void' | 'ask-again';
  /** Missing in decisions that are older than their reasons. */
  readonly reason?: string;
};

/** An operator decides a round that no provider could explain. Refused unless a person is waited for. */
export const resolveRound = defineUpdate<RoundView, [RoundResolution]>('resolveRound');
export const getRound = defineQuery<RoundView>('getRound');
