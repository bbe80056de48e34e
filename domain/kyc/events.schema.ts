/** Facts about identity checks. */
import { z } from 'zod';

const verification = { verificationId: z.uuid(), playerId: z.uuid(), level: z.string() };

const screening = { screeningId: z.uuid(), playerId: z.uuid(), subject: z.string() };

export const kycEvents = {
  'kyc.verification.opened': z.strictObject({
    ...verification,
    jurisdiction: z.string(),
    profileVersion: z.int(),
  }),
  'kyc.verification.submitted': z.strictObject({ ...verification, attempt: z.int() }),
  'kyc.verification.held': z.strictObject({ ...verification, reason: z.enum(['vendor', 'attempts']) }),
  'kyc.verification.reminded': z.strictObject({ ...verification, attempt: z.int() }),
  'kyc.verification.approved': z.strictObject(verification),
  'kyc.verification.refused': z.strictObject({
    ...verification,
    kind: z.enum(['retry', 'final', 'expired']),
    labels: z.array(z.string()),
  }),
  'kyc.screening.answered': z.strictObject({
    ...screening,
    outcome: z.enum(['clear', 'hit']),
    listVersion: z.string(),
    lists: z.array(z.string()),
  }),
  'kyc.screening.decided': z.strictObject({ ...screening, outcome: z.enum(['cleared', 'confirmed']) }),
} as const;
