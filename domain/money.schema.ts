/** Money on a wire: a plain decimal string and an asset code. Numbers are refused because JSON numbers are floats. */
import { z } from 'zod';

export const moneySchema = z.strictObject({
  amount: z.string().regex(/^-?\d{1,26}(\.\d{1,18})?$/, 'must be a plain decimal string such as "12.50"'),
  asset: z.string().regex(/^[A-Z]{3,10}$/, 'must be an asset code such as EUR'),
});
