/** Facts about who brought whom. */
import { z } from 'zod';

export const affiliatesEvents = {
  'affiliates.referral.recorded': z.strictObject({ affiliateId: z.uuid(), playerId: z.uuid() }),
} as const;
