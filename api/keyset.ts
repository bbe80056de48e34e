/** Pages of lists that are ordered by an instant and then by id: where a page goes on, and what its answer says. */
import { sql, type RawBuilder } from 'kysely';

export type KeysetPlace = {
  /** Schema and name of the table, and the column of the instant, as Kysely knows them. */
  readonly table: string;
  readonly column: string;
  /** Id of the last row of the page before. */
  readonly after: string;
  /** Where the list is one player's: another player's row is no place in it. */
  readonly playerId?: string;
};

/** True for rows that follow in a list with the newest first; for none when `after` names nothing. */
export const olderThan = (place: KeysetPlace): RawBuilder<boolean> =>
  sql<boolean>`(${sql.ref(place.column)}, id) < (${placeOf(place)})`;

/** True for rows that follow in a list with the oldest first; for none when `after` names nothing. */
export const newerThan = (place: KeysetPlace): RawBuilder<boolean> =>
  sql<boolean>`(${sql.ref(place.column)}, id) > (${placeOf(place)})`;

const placeOf = ({ table, column, after, playerId }: KeysetPlace): RawBuilder<unknown> => {
  const ofPlayer = playerId === undefined ? sql`` : sql` and player_id = ${playerId}`;
  return sql`select ${sql.ref(column)}, id from ${sql.table(table)} where id = ${after}${ofPlayer}`;
};

/** The page of `rows`, of which one more than `limit` was read, so that it is known whether there is a next one. */
export function pageById<R extends { readonly id: string }, T>(
  rows: readonly R[],
  limit: number,
  toApi: (row: R) => T,
): { items: T[]; next: string | null } {
  const page = rows.slice(0, limit);
  return { items: page.map(toApi), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}
