/** Facts about identity checks. */
import { z } from 'zod';

export const kycEvents = {
  'kyc.verification.opened': z.strictObject({ verificationId: z.uuid(), playerId: z.uuid(), level: z.string() }),
  'kyc.verification.approved': z.strictObject({ verificationId: z.uuid(), playerId: z.uuid(), level: z.string() }),
  'kyc.verification.refused': z.strictObject({
    verificationId: z.uuid(),
    playerId: z.uuid(),
    level: z.string(),
    kind: z.enum(['retry', 'final', 'expired']),
    labels: z.array(z.string()),
  }),
} as const;
