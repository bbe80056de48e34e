/**
 * The profiles that a new installation begins with. A change is a new version at the end of the list: a published
 * version is evidence and is never edited. Numbers are from the regulators' texts named beside them; an operator's
 * compliance officer confirms them before going live.
 */
import type { VersionedProfile } from './profile.schema.ts';

export const publishedProfiles: readonly VersionedProfile[] = [
  {
    // MGA Player Protection Directive (Directive 2 of 2018, amended 12 January 2023).
    jurisdiction: 'MT',
    version: 1,
    profile: {
      name: 'Malta',
      ageMinYears: 18,
      currencies: ['EUR', 'USD', 'GBP', 'SEK', 'NOK', 'PLN', 'CAD', 'BTC', 'ETH', 'USDT'],
      depositLimitRequiredBeforeFirstDeposit: true,
      identityBeforeDeposit: false,
      withdrawalKycLevel: 'L1',
      limitIncreaseCoolingOffHours: 24,
      limitIncreaseConfirmed: false,
      limitIncreaseConfirmationDays: 14,
      timeOutHoursMax: 30 * 24,
      selfExclusionMonthsMin: 6,
      reinstatementHoursDefinite: 24,
      reinstatementHoursIndefinite: 7 * 24,
      withdrawalCancellable: true,
      autoApproveWithdrawalMax: { EUR: '100' },
      approvalsRequired: 2,
      realityCheckMinutes: 60,
    },
  },
  {
    // UKGC LCCP 3.5.3 and 17.1.1, RTS 12, 13B and 14B.
    jurisdiction: 'GB',
    version: 1,
    profile: {
      name: 'Great Britain',
      ageMinYears: 18,
      currencies: ['GBP'],
      depositLimitRequiredBeforeFirstDeposit: true,
      identityBeforeDeposit: true,
      withdrawalKycLevel: 'L1',
      limitIncreaseCoolingOffHours: 24,
      limitIncreaseConfirmed: true,
      limitIncreaseConfirmationDays: 14,
      timeOutHoursMax: 6 * 7 * 24,
      selfExclusionMonthsMin: 6,
      reinstatementHoursDefinite: 24,
      reinstatementHoursIndefinite: 24,
      withdrawalCancellable: false,
      autoApproveWithdrawalMax: { GBP: '100' },
      approvalsRequired: 2,
      realityCheckMinutes: 60,
    },
  },
  {
    // Swedish Gambling Act (2018:1138) chapters 13 and 14.
    jurisdiction: 'SE',
    version: 1,
    profile: {
      name: 'Sweden',
      ageMinYears: 18,
      currencies: ['SEK'],
      depositLimitRequiredBeforeFirstDeposit: true,
      identityBeforeDeposit: true,
      withdrawalKycLevel: 'L1',
      limitIncreaseCoolingOffHours: 72,
      limitIncreaseConfirmed: false,
      limitIncreaseConfirmationDays: 14,
      timeOutHoursMax: 365 * 24,
      selfExclusionMonthsMin: 12,
      reinstatementHoursDefinite: 24,
      reinstatementHoursIndefinite: 7 * 24,
      withdrawalCancellable: false,
      autoApproveWithdrawalMax: { SEK: '1000' },
      approvalsRequired: 2,
      realityCheckMinutes: 60,
    },
  },
];
