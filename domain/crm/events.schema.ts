/** Facts about messages. */
import { z } from 'zod';

const message = z.strictObject({ messageId: z.uuid(), template: z.string(), channel: z.enum(['email']) });

export const crmEvents = {
  'crm.message.sent': message,
  'crm.message.failed': message,
} as const;
