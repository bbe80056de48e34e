/** Facts about messages. */
import { z } from 'zod';

export const crmEvents = {
  'crm.message.sent': z.strictObject({ messageId: z.uuid(), template: z.string(), channel: z.enum(['email']) }),
} as const;
