/** How a bank's line names a payment: in its end-to-end id, or somewhere in the words beside it. */
import { sql, type RawBuilder } from 'kysely';

/**
 * Whether a line names `reference`, as a word of its own: one reference may begin another, and an empty one is in every
 * text. The arguments are columns or values of the statement that this becomes a part of.
 */
export const isNamedBy = (
  reference: RawBuilder<unknown>,
  line: { readonly endToEndId: RawBuilder<unknown>; readonly words: RawBuilder<unknown> },
): RawBuilder<boolean> => sql<boolean>`(${reference} <> '' and (
  ${reference} = ${line.endToEndId} or ${reference} = any (
    regexp_split_to_array(${line.words}, '[^A-Za-z0-9_-]+') || array[${line.words}::text])))`;
