/** Where a page ends in a list whose order takes several columns: the key of its last row, as text that only its list reads. */
import type { z } from '@hono/zod-openapi';
import { fail, FailureError } from '#domain/failures.ts';

/** Longest text of a position; a key may be in a script that takes several bytes a letter. */
export const positionLengthMax = 1_500;

export const toPosition = (key: readonly string[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

/** `invalid-request` for what no list of this form has given out. */
export function fromPosition<T extends z.ZodType<readonly string[]>>(form: T, text: string): z.infer<T> {
  try {
    const key = form.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
    if (key.every((part) => !part.includes('\0') && part.isWellFormed())) return key;
  } catch {
    // Falls through: nobody but the list itself makes positions.
  }
  throw new FailureError(fail('invalid-request', 'The position was not given out by this list.').failure);
}
