/** Facts about accounts and sessions. */
import { z } from 'zod';

export const pamEvents = {
  'pam.player.registered': z.strictObject({
    playerId: z.uuid(),
    jurisdiction: z.string(),
    jurisdictionVersion: z.int(),
    country: z.string(),
    currency: z.string(),
    affiliateCode: z.string().nullable(),
    termsVersion: z.int(),
  }),
  'pam.email.verified': z.strictObject({ playerId: z.uuid() }),
  'pam.session.opened': z.strictObject({ playerId: z.uuid(), sessionId: z.uuid(), deviceId: z.uuid() }),
  'pam.session.revoked': z.strictObject({ playerId: z.uuid(), sessionId: z.uuid().nullable(), reason: z.string() }),
} as const;
