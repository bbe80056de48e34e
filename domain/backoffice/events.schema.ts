/** Facts about operators. */
import { z } from 'zod';

export const backofficeEvents = {
  'backoffice.operator.signed-in': z.strictObject({ operatorId: z.uuid() }),
  'backoffice.operator.signed-out': z.strictObject({ operatorId: z.uuid() }),
  'backoffice.sign-in.refused': z.strictObject({ operatorId: z.uuid().nullable() }),
} as const;
