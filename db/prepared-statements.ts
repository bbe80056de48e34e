/**
 * What a process asks again and again is parsed and planned once per connection instead of each time: half of what
 * PostgreSQL spent on a deposit was planning. PostgreSQL itself decides when one plan is as good as a new one
 * (`plan_cache_mode` is `auto`).
 */
import { createHash } from 'node:crypto';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';

export type WhatIsPrepared = {
  /** A text that comes so often is no chance: lists of varying length and reports of one evening stay unprepared. */
  readonly usesBefore: number;
  /** Each costs every connection some tens of kilobytes. */
  readonly preparedMax: number;
};

export const whatComesOften: WhatIsPrepared = { usesBefore: 5, preparedMax: 150 };
const countedMax = 2_000;

/** A plan whose columns have changed by a migration is refused for as long as its connection lives. */
export const isPlanOutdated = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === '0A000' &&
  error.message.includes('cached plan must not change result type');

/** The same pool for Kysely; a connection with an outdated plan is closed when it is given back. */
export function preparing(pool: pg.Pool, what: WhatIsPrepared): PostgresPool {
  const nameOf = namer(what);
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect();
      const known = clients.get(client) ?? preparingClient(client, nameOf);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  };
}

function preparingClient(
  client: pg.PoolClient,
  nameOf: (text: string) => string | undefined,
): PostgresPoolClient {
  let isOutdated = false;
  const query = async (text: string, values: readonly unknown[]) => {
    try {
      return await client.query({ name: nameOf(text), text, values: [...values] });
    } catch (error) {
      isOutdated ||= isPlanOutdated(error);
      throw error;
    }
  };
  const release = (destroy?: boolean) => client.release(destroy === true || isOutdated);
  return Object.assign(Object.create(client) as PostgresPoolClient, { query, release });
}

/** Names by the text, so that every connection has the same one; the first uses of a text give none. */
function namer({ usesBefore, preparedMax }: WhatIsPrepared): (text: string) => string | undefined {
  const names = new Map<string, string>();
  const uses = new Map<string, number>();
  return (text) => {
    const name = names.get(text);
    if (name !== undefined || names.size >= preparedMax) return name;
    const count = (uses.get(text) ?? 0) + 1;
    if (count <= usesBefore) {
      if (uses.size >= countedMax) uses.clear();
      uses.set(text, count);
      return undefined;
    }
    uses.delete(text);
    const made = createHash('sha256').update(text).digest('hex').slice(0, 32);
    names.set(text, made);
    return made;
  };
}
