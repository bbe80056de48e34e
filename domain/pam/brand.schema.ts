/** What a brand offers, as versioned data. */
import { z } from 'zod';

export const brandConfigSchema = z.strictObject({
  currencies: z.array(z.string().regex(/^[A-Z]{3,10}$/)).min(1),
  jurisdictions: z.array(z.string()).min(1),
  languages: z.array(z.string()).min(1),
  /** Who may play games without money; without a word about it, players who are signed in. */
  demoPlay: z.enum(['off', 'signed-in', 'anyone']).optional(),
});

export type BrandConfig = z.infer<typeof brandConfigSchema>;
