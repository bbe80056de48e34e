/** What a test knows of who waits for whom in its database: an order of things that no pause could promise. */
import type pg from 'pg';
import { expect } from 'vitest';

/** Until so many statements of the pool's database wait for a lock of somebody else. */
export const untilBlocked = (pool: pg.Pool, statements = 1): Promise<void> =>
  expect
    .poll(async () => {
      const { rows } = await pool.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows[0]?.waiting;
    })
    .toBe(statements);
