/** Schemas that many routes share. */
import { z } from '@hono/zod-openapi';

/** An amount that may be asked for: positive form; scale and size are checked against the asset by the domain. */
export const moneyInput = z
  .strictObject({
    amount: z
      .string()
      .regex(/^-?\d{1,26}(\.\d{1,18})?$/, 'must be a plain decimal string such as "12.50", not a number')
      .openapi({ example: '50.00' }),
    asset: z
      .string()
      .regex(/^[A-Z]{3,10}$/)
      .openapi({ example: 'EUR' }),
  })
  .openapi('MoneyInput');

export const moneyOutput = z
  .strictObject({
    amount: z.string().openapi({ example: '50.00' }),
    asset: z.string().openapi({ example: 'EUR' }),
  })
  .openapi('Money');

/** Not `moneyOutput.nullable()`: the document would say "Money and null" at once, which nothing is. */
export const nullableMoneyOutput = z.union([moneyOutput, z.null()]);

export const idParam = z.object({ id: z.uuid().openapi({ param: { name: 'id', in: 'path' } }) });

/** Keyset paging: pass `next` back as `after`. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(200).optional(),
});

export const pageOf = <T extends z.ZodType>(item: T, name: string) =>
  z.strictObject({ items: z.array(item), next: z.string().nullable() }).openapi(name);

export const timestamp = z.iso.datetime({ offset: true });

/** Days between which a day can be asked for: PostgreSQL knows no year 0, and the analysts' days end in 2149. */
const firstDay = '1970-01-01';
const lastDay = '2148-12-31';

/** A day in UTC, of figures, statements and files. */
export const calendarDay = z.iso
  .date()
  .refine((day) => day >= firstDay && day <= lastDay, `must lie between ${firstDay} and ${lastDay}`);
