/** Words of accounts as schemas. */
import { z } from '@hono/zod-openapi';

/** Control characters have no business in a name, an address or a reason. No flag: JSON Schema has none. */
// oxlint-disable-next-line no-control-regex -- they are what it refuses
const printable = /^[^\x00-\x1f\x7f-\x9f]*$/;

export const brandId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,30}$/)
  .openapi({ example: 'aurora' });
export const jurisdictionCode = z
  .string()
  .regex(/^[A-Za-z0-9-]{2,20}$/)
  .openapi({ example: 'MT' });
export const countryCode = z
  .string()
  .regex(/^[A-Z]{2}$/)
  .openapi({ description: 'ISO 3166-1 alpha-2', example: 'MT' });
export const emailAddress = z.email().max(254).openapi({ example: 'ada@example.org' });
export const personName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(printable, 'must not hold control characters');
export const reasonText = z
  .string()
  .trim()
  .min(5)
  .max(500)
  .regex(printable, 'must not hold control characters');
export const linkToken = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be the token of the link');
export const playerStatus = z.enum(['email-unverified', 'active', 'locked', 'closed']);
