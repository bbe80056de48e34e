/** The rules of a jurisdiction as data: what a regulator may change is a number here, and never a branch in code. */
import { z } from 'zod';

const decimal = z.string().regex(/^\d{1,20}(\.\d{1,18})?$/);
const asset = z.string().regex(/^[A-Z]{3,10}$/);

export const profileSchema = z.strictObject({
  name: z.string(),
  ageMinYears: z.int().min(16).max(99),
  /** Assets that players of this jurisdiction may hold. */
  currencies: z.array(asset).min(1),

  depositLimitRequiredBeforeFirstDeposit: z.boolean(),
  identityBeforeDeposit: z.boolean(),
  /** KYC level that a withdrawal needs. */
  withdrawalKycLevel: z.enum(['L0', 'L1', 'L2', 'L3']),

  /** Between asking for a higher limit (or none) and its effect: counted from the request, not from midnight. */
  limitIncreaseCoolingOffHours: z.int().min(0),
  /** After the wait the player must say yes once more (RTS 12). */
  limitIncreaseConfirmed: z.boolean(),
  /** How long that yes is waited for. */
  limitIncreaseConfirmationDays: z.int().min(1),

  timeOutHoursMax: z.int().min(1),
  selfExclusionMonthsMin: z.int().min(1),
  /** Between the player's request to return and the return, after an exclusion with a term and one without. */
  reinstatementHoursDefinite: z.int().min(24),
  reinstatementHoursIndefinite: z.int().min(24),

  withdrawalCancellable: z.boolean(),
  /** Decimal amount per asset up to which a withdrawal of an unsuspicious player needs nobody; absent means none. */
  autoApproveWithdrawalMax: z.record(asset, decimal),
  /** Different people who must approve any other withdrawal. */
  approvalsRequired: z.int().min(1).max(4),
  realityCheckMinutes: z.int().min(1),
});

export type Profile = z.infer<typeof profileSchema>;

/** A profile with the version that a decision must store. */
export type VersionedProfile = {
  readonly jurisdiction: string;
  readonly version: number;
  readonly profile: Profile;
};
