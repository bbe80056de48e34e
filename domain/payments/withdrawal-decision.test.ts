import { describe, expect, it } from 'vitest';
import { parseReference, depositReference, payoutReference, voidReference } from './reference.ts';
import { checkWithdrawal, tallyDecisions, withRisk, type WithdrawalFacts } from './withdrawal-decision.ts';

const facts = (more: Partial<WithdrawalFacts>): WithdrawalFacts => ({
  amount: 50n,
  autoApproveMax: 100n,
  approvalsRequired: 2,
  isIdentityVerified: true,
  hasPendingWagering: false,
  hasDeposited: true,
  skipsSources: false,
  ...more,
});

describe('a withdrawal', () => {
  it('inside the band of an unsuspicious player needs nobody', () => {
    expect(checkWithdrawal(facts({}))).toEqual({ kind: 'pass', approvals: 0, reasons: [] });
  });

  it('above the band needs as many people as the profile says', () => {
    expect(checkWithdrawal(facts({ amount: 101n }))).toEqual({
      kind: 'pass',
      approvals: 2,
      reasons: ['above-auto-approve'],
    });
  });

  it('is refused with open wagering, without identity, and to a card that never paid in', () => {
    expect(checkWithdrawal(facts({ hasPendingWagering: true }))).toEqual({
      kind: 'refuse',
      reason: 'wagering-pending',
    });
    expect(checkWithdrawal(facts({ isIdentityVerified: false }))).toEqual({
      kind: 'refuse',
      reason: 'identity-not-verified',
    });
    expect(checkWithdrawal(facts({ hasDeposited: false }))).toEqual({
      kind: 'refuse',
      reason: 'closed-loop',
    });
  });

  it('is decided by a person while the deposits of another source wait for their way back', () => {
    expect(checkWithdrawal(facts({ skipsSources: true }))).toEqual({
      kind: 'pass',
      approvals: 2,
      reasons: ['closed-loop'],
    });
  });

  it('gets more people from risk, never fewer', () => {
    const small = checkWithdrawal(facts({}));
    expect(withRisk(small, 2, 'accept', [])).toEqual(small);
    expect(withRisk(small, 2, 'review', ['new-device'])).toEqual({
      kind: 'pass',
      approvals: 2,
      reasons: ['new-device'],
    });
    expect(withRisk(small, 2, 'refuse', ['sanctions'])).toEqual({ kind: 'refuse', reason: 'risk' });
  });
});

describe('decisions', () => {
  const yes = (operatorId: string) => ({ operatorId, decision: 'approve' }) as const;

  it('count one person once', () => {
    expect(tallyDecisions(2, [yes('a'), yes('a')])).toBe('open');
    expect(tallyDecisions(2, [yes('a'), yes('b')])).toBe('approved');
  });

  it('end with the first refusal', () => {
    expect(tallyDecisions(2, [yes('a'), { operatorId: 'b', decision: 'refuse' }])).toBe('refused');
  });
});

describe('references', () => {
  const id = '0198c0de-0000-4000-8000-000000000001';

  it('can be read back', () => {
    expect(parseReference(depositReference(id, 2))).toEqual({ kind: 'deposit', id, attempt: 2 });
    expect(parseReference(voidReference(id, 2))).toEqual({ kind: 'deposit', id, attempt: 2 });
    expect(parseReference(payoutReference(id, 11))).toEqual({ kind: 'withdrawal', id, attempt: 11 });
  });

  it('fit the shortest key a PSP takes', () => {
    expect(payoutReference(id, 50).length + ':c'.length).toBeLessThanOrEqual(64);
  });

  it.each([
    '',
    'deposit:x:a1',
    `deposit:${id}:p1`,
    `withdrawal:${id}:a1`,
    `deposit:${id}:a1 `,
    `withdrawal:${id}:p1:v`,
    `deposit:${id}:a123:v`,
  ])('refuse %j', (text) => {
    expect(parseReference(text)).toBeNull();
  });
});
