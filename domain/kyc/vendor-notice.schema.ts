/** A webhook of the KYC vendor. It names whom to ask about and is believed in nothing else. */
import { z } from 'zod';

/** Becomes part of the inbox's key; the vendor's own words are printable. */
const word = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x20-\x7e]*$/);

export const vendorNoticeSchema = z.object({
  applicantId: word,
  externalUserId: word.optional(),
  type: word,
  createdAtMs: z.union([word, z.number()]),
});
