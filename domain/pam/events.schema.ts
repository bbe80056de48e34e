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
  'pam.player.locked': z.strictObject({ playerId: z.uuid() }),
  'pam.player.unlocked': z.strictObject({ playerId: z.uuid() }),
  'pam.player.closed': z.strictObject({ playerId: z.uuid(), reason: z.enum(['email-unverified']) }),
  'pam.email.verified': z.strictObject({ playerId: z.uuid() }),
  'pam.password-reset.requested': z.strictObject({ playerId: z.uuid(), resetId: z.uuid() }),
  'pam.password.changed': z.strictObject({ playerId: z.uuid(), changeId: z.uuid(), by: z.enum(['reset']) }),
  'pam.session.opened': z.strictObject({ playerId: z.uuid(), sessionId: z.uuid(), deviceId: z.uuid() }),
  'pam.session.revoked': z.strictObject({
    playerId: z.uuid(),
    sessionId: z.uuid().nullable(),
    reason: z.string(),
  }),
  'pam.sign-in.refused': z.strictObject({ reason: z.enum(['credentials', 'email-not-verified', 'blocked']) }),
  'pam.personal-data.erased': z.strictObject({ playerId: z.uuid(), reason: z.enum(['email-unverified']) }),
  'pam.personal-data.revealed': z.strictObject({ playerId: z.uuid(), operatorId: z.uuid() }),
} as const;
