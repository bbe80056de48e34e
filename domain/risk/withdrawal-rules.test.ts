/** Each rule alone, and that the strictest outcome wins. */
import { describe, expect, it } from 'vitest';
import { assessWithdrawalFacts, type WithdrawalFacts } from './withdrawal-rules.ts';

const calm: WithdrawalFacts = {
  accountAgeHours: 500,
  isFirstWithdrawal: false,
  requested: 50n,
  deposited: 100n,
  withdrawn: 20n,
  recentlyDeposited: 100n,
  recentlyStaked: 400n,
  devices: 2,
  linkedPlayers: 0,
  isAddressNew: false,
};

describe('assessWithdrawalFacts', () => {
  it('accepts a known player who played with what he deposited', () => {
    expect(assessWithdrawalFacts(calm)).toEqual({ outcome: 'accept', reasons: [] });
  });

  it.each([
    ['young-account', { accountAgeHours: 23 }],
    ['first-withdrawal', { isFirstWithdrawal: true }],
    ['little-play', { recentlyStaked: 99n }],
    ['far-more-than-deposited', { requested: 981n }],
    ['many-devices', { devices: 6 }],
    ['shared-device', { linkedPlayers: 1 }],
    ['new-address', { isAddressNew: true }],
  ] as const)('asks for a review because of %s', (reason, change) => {
    expect(assessWithdrawalFacts({ ...calm, ...change })).toEqual({ outcome: 'review', reasons: [reason] });
  });

  it('refuses a device of many players and still names every other reason', () => {
    expect(assessWithdrawalFacts({ ...calm, linkedPlayers: 10, isFirstWithdrawal: true })).toEqual({
      outcome: 'refuse',
      reasons: ['device-of-many-players', 'first-withdrawal', 'shared-device'],
    });
  });

  it('lets a ratio of exactly ten pass', () => {
    expect(assessWithdrawalFacts({ ...calm, requested: 980n }).outcome).toBe('accept');
  });
});
