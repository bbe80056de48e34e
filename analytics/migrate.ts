/** Brings ClickHouse to the newest tables: plain SQL files, forward only, each applied once and safe to repeat. */
import { readdir, readFile } from 'node:fs/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { loadConfig, type Config } from '#workers/config.ts';
import { createClickHouse } from './connect.ts';

const folder = new URL('./tables/', import.meta.url);

/** Creates the database and applies what is missing. Statements say IF NOT EXISTS, since ClickHouse has no transaction. */
export async function migrateAnalytics(config: Pick<Config, 'clickhouse'>): Promise<void> {
  const root = createClickHouse(config, { withoutDatabase: true });
  try {
    await root.command({ query: `CREATE DATABASE IF NOT EXISTS ${config.clickhouse.database}` });
  } finally {
    await root.close();
  }
  const client = createClickHouse(config, { requestTimeoutMs: 60_000 });
  try {
    await applyMissing(client);
  } finally {
    await client.close();
  }
}

async function applyMissing(client: ClickHouseClient): Promise<void> {
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS schema_migration (name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'))
            ENGINE = MergeTree ORDER BY name`,
  });
  const applied = new Set(await appliedNames(client));
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted();
  for (const name of names) {
    if (applied.has(name)) continue;
    const text = await readFile(new URL(name, folder), 'utf8');
    for (const query of statementsOf(text)) await client.command({ query });
    await client.insert({
      table: 'schema_migration',
      format: 'JSONEachRow',
      values: [{ name }],
      columns: ['name'],
    });
  }
}

async function appliedNames(client: ClickHouseClient): Promise<string[]> {
  const answer = await client.query({
    query: 'SELECT DISTINCT name FROM schema_migration',
    format: 'JSONEachRow',
  });
  return (await answer.json<{ name: string }>()).map(({ name }) => name);
}

/** Statements end with a semicolon at a line's end; comments stay with the statement that follows them. */
const statementsOf = (text: string): string[] =>
  text
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^\s*--.*$/gm, '').trim() !== '');

if (import.meta.main) await migrateAnalytics(loadConfig());
