/** The public face of the `round` workflow: one for each round left open past its guard time. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';

export type RoundInput = {
  readonly integration: string;
  readonly roundRef: string;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
};

export type RoundStage = 'asking-provider' | 'with-a-person' | 'settled' | 'void';
export type RoundView = { readonly stage: RoundStage; readonly asked: number };

/** Player last: a live game's round is shared by many players, and each of them has a workflow. */
export const roundWorkflowId = (input: Pick<RoundInput, 'integration' | 'roundRef' | 'playerId'>) =>
  `round:${input.integration}:${input.roundRef}:${input.playerId}` as const;

export type RoundResolution = { readonly operatorId: string; readonly outcome: 'void' | 'ask-again' };

/** An operator decides a round that no provider could explain. Refused unless a person is waited for. */
export const resolveRound = defineUpdate<RoundView, [RoundResolution]>('resolveRound');
export const getRound = defineQuery<RoundView>('getRound');
