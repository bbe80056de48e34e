/** Facts about messages. */
import { z } from 'zod';

const message = z.strictObject({ messageId: z.uuid(), template: z.string(), channel: z.enum(['email']) });

export const crmEvents = {
  'crm.message.sent': message,
  'crm.message.failed': message,
  /** The player's tier from now on; null takes it away. */
  'crm.tier.set': z.strictObject({ tierVersion: z.int(), tier: z.string().nullable() }),
} as const;
