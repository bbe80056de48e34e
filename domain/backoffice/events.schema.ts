/** Facts about operators. */
import { z } from 'zod';

export const backofficeEvents = {
  'backoffice.operator.signed-in': z.strictObject({ operatorId: z.uuid() }),
} as const;
