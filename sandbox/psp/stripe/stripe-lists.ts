/** What every list of Stripe's takes: bounds of `created` in whole seconds, and a cursor; newest come first. */
import { type FormObject, nested, text } from './form-encoding.ts';

export function createdWithin(query: FormObject): (row: { readonly created_at_ms: number }) => boolean {
  const bounds = nested(query, 'created');
  const from = Number(text(bounds, 'gte') ?? 0);
  const to = Number(text(bounds, 'lte') ?? Number.MAX_SAFE_INTEGER);
  return ({ created_at_ms: createdAtMs }) => {
    const createdS = Math.floor(createdAtMs / 1_000);
    return createdS >= from && createdS <= to;
  };
}

export function pageOf<Row extends { readonly id: string }>(
  all: readonly Row[],
  query: FormObject,
  limit: number,
): { readonly page: readonly Row[]; readonly hasMore: boolean } {
  const after = text(query, 'starting_after');
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  return { page: all.slice(from, from + limit), hasMore: all.length > from + limit };
}
