/** A party's own SQLite file: everything it knows survives kill -9 because it was written before it was said. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

type Row = Record<string, unknown>;

export interface StateStore {
  run(sql: string, ...values: SQLInputValue[]): number;
  all<T extends object = Row>(sql: string, ...values: SQLInputValue[]): T[];
  one<T extends object = Row>(sql: string, ...values: SQLInputValue[]): T | undefined;
  /** Nested calls join the outer transaction. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export function openStateStore(directory: string, fileName: string, tables: string): StateStore {
  mkdirSync(directory, { recursive: true });
  const database = new DatabaseSync(join(directory, fileName));
  database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000;');
  database.exec(tables);
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const statement = (sql: string) => {
    let found = prepared.get(sql);
    if (found === undefined) prepared.set(sql, (found = database.prepare(sql)));
    return found;
  };
  let depth = 0;

  return {
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    all: <T extends object>(sql: string, ...values: SQLInputValue[]) => statement(sql).all(...values) as T[],
    one: <T extends object>(sql: string, ...values: SQLInputValue[]) =>
      statement(sql).get(...values) as T | undefined,
    transaction(work) {
      if (depth > 0) return work();
      database.exec('begin immediate');
      depth += 1;
      try {
        const result = work();
        database.exec('commit');
        return result;
      } catch (error) {
        database.exec('rollback');
        throw error;
      } finally {
        depth -= 1;
      }
    },
    close: () => database.close(),
  };
}
