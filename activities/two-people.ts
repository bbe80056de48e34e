/** What holds for whoever decides about another person's proposal, whatever it is about. */
import { fail, succeed, type Result } from '#domain/failures.ts';

export type Proposed = {
  readonly state: string;
  readonly author: string;
  readonly decidedBy: string | null;
  readonly payloadHash: Buffer;
};

export type ProposalDecision = {
  readonly decision: 'apply' | 'refuse';
  /** Hex, of what the person was shown. */
  readonly payloadHash: string;
  readonly reason: string;
  readonly operatorId: string;
};

export type DecisionStanding = {
  readonly by: string;
  readonly state: 'applied' | 'refused';
  readonly isRepeat: boolean;
};

/**
 * Whether the decision may be made, or was made by the same person before. Whoever proposed may refuse, which takes it
 * back. Failures: `setting-not-open` (decided, or not what was shown), `own-approval`.
 * @param words what is decided about, and what another person does with it
 */
export function standingOfDecision(
  row: Proposed,
  { decision, payloadHash, operatorId }: ProposalDecision,
  words: { readonly what: string; readonly another: string },
): Result<DecisionStanding> {
  const by = `operator:${operatorId}`;
  const state = decision === 'apply' ? 'applied' : 'refused';
  if (row.state === state && row.decidedBy === by) return succeed({ by, state, isRepeat: true });
  if (row.state !== 'proposed' || row.payloadHash.toString('hex') !== payloadHash)
    return fail('setting-not-open', `The ${words.what} is ${row.state}, or not what was shown.`);
  if (decision === 'apply' && row.author === by)
    return fail('own-approval', `Another person ${words.another}.`);
  return succeed({ by, state, isRepeat: false });
}
