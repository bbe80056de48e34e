/** What a vendor's review may do to a verification, and what it may never do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { highestLevel, kycLevels, levelSatisfies } from './levels.ts';
import { rejectReasonsOf } from './reject-labels.ts';
import { attemptsMax, stepOnReview, type VendorReview, type VerificationFacts } from './review.ts';

const facts = (more: Partial<VerificationFacts> = {}): VerificationFacts => ({
  state: 'pending',
  attempt: 1,
  holdReason: null,
  lastReviewRef: null,
  ...more,
});
const review = (more: Partial<VendorReview> = {}): VendorReview => ({
  status: 'completed',
  ref: 'r/1',
  answer: 'GREEN',
  rejectType: null,
  labels: [],
  ...more,
});
const retry = (ref: string) => review({ ref, answer: 'RED', rejectType: 'RETRY', labels: ['BAD_SELFIE'] });

describe('stepOnReview', () => {
  it('approves what is green and refuses what is red for good', () => {
    expect(stepOnReview(facts(), review())).toEqual({ to: 'approved' });
    expect(
      stepOnReview(facts(), review({ answer: 'RED', rejectType: 'FINAL', labels: ['FORGERY'] })),
    ).toEqual({
      to: 'refused',
      labels: ['not-accepted'],
    });
  });

  it('gives a new attempt for each new retry, then leaves it to a person', () => {
    expect(stepOnReview(facts(), retry('r/1'))).toEqual({
      to: 'opened',
      attempt: 2,
      labels: ['selfie-mismatch'],
    });
    expect(stepOnReview(facts({ attempt: attemptsMax }), retry('r/3'))).toMatchObject({
      to: 'on-hold',
      reason: 'attempts',
    });
  });

  it('does not use up an attempt when the same review is told twice', () => {
    expect(stepOnReview(facts({ state: 'opened', attempt: 2, lastReviewRef: 'r/1' }), retry('r/1'))).toEqual({
      to: 'unchanged',
    });
  });

  it('leaves the decision after the last attempt to a person, whatever the vendor says', () => {
    const held = facts({ state: 'on-hold', holdReason: 'attempts', attempt: attemptsMax });
    expect(stepOnReview(held, review({ ref: 'r/9' }))).toEqual({ to: 'unchanged' });
  });

  it('holds a completed review without a readable answer', () => {
    expect(stepOnReview(facts(), review({ answer: null }))).toMatchObject({
      to: 'on-hold',
      reason: 'vendor',
    });
    expect(stepOnReview(facts(), review({ answer: 'RED', rejectType: null }))).toMatchObject({
      to: 'on-hold',
    });
  });

  it('approves nothing but a completed green review, and moves nothing that has ended', () => {
    const anyReview = fc.record({
      status: fc.constantFrom<VendorReview['status'][]>(
        'waiting-for-player',
        'under-review',
        'on-hold',
        'completed',
      ),
      ref: fc.constantFrom('a', 'b'),
      answer: fc.constantFrom<VendorReview['answer'][]>('GREEN', 'RED', null),
      rejectType: fc.constantFrom<VendorReview['rejectType'][]>('RETRY', 'FINAL', null),
      labels: fc.constant<string[]>([]),
    });
    const anyFacts = fc.record({
      state: fc.constantFrom<VerificationFacts['state'][]>(
        'opened',
        'pending',
        'on-hold',
        'approved',
        'refused',
        'expired',
      ),
      attempt: fc.integer({ min: 1, max: attemptsMax }),
      holdReason: fc.constantFrom<VerificationFacts['holdReason'][]>('vendor', 'attempts', null),
      lastReviewRef: fc.constantFrom('a', null),
    });
    fc.assert(
      fc.property(anyFacts, anyReview, (given, told) => {
        const step = stepOnReview(given, told);
        if (step.to === 'approved') expect(told).toMatchObject({ status: 'completed', answer: 'GREEN' });
        if (['approved', 'refused', 'expired'].includes(given.state)) expect(step.to).toBe('unchanged');
        if (step.to === 'opened') expect(step.attempt).toBe(given.attempt + 1);
      }),
    );
  });
});

describe('levels', () => {
  it('include the ones below', () => {
    expect(levelSatisfies('L2', 'L1')).toBe(true);
    expect(levelSatisfies('L1', 'L2')).toBe(false);
    expect(highestLevel([])).toBe('L0');
    expect(highestLevel(['L1', 'L3', 'L2'])).toBe('L3');
    for (const level of kycLevels) expect(levelSatisfies(level, level)).toBe(true);
  });
});

describe('rejectReasonsOf', () => {
  it('hides what hints at suspicion and says each thing once', () => {
    expect(rejectReasonsOf(['FORGERY', 'SANCTIONS', 'LOW_QUALITY', 'UNSATISFACTORY_PHOTOS'])).toEqual([
      'document-unreadable',
      'not-accepted',
    ]);
  });
});
