/** The real servers that end-to-end tests lean on: they start, survive a kill with their data, and leave nothing behind. */
import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { isAlive } from '#platform/process-identity.ts';
import { startClickHouse } from './clickhouse.ts';
import { startDevTemporal } from './dev-temporal.ts';

test('a ClickHouse that was killed comes back with its rows', async () => {
  const clickhouse = await startClickHouse();
  try {
    await clickhouse.client.command({ query: 'create table mark (n UInt8) engine = MergeTree order by n' });
    await clickhouse.client.insert({ table: 'mark', values: [{ n: 7 }], format: 'JSONEachRow' });
    await clickhouse.process.kill9();
    await clickhouse.restart();
    const answer = await clickhouse.client.query({ query: 'select n from mark', format: 'JSONEachRow' });
    expect(await answer.json()).toEqual([{ n: 7 }]);
  } finally {
    await clickhouse.stop();
  }
});

test('a Temporal server knows our namespace and search attributes, and ends when it is stopped', async () => {
  const temporal = await startDevTemporal();
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const client = new Client({ connection, namespace: temporal.namespace });
    const { count } = await client.workflow.count("Stage = 'anything'");
    expect(count).toBe(0);
  } finally {
    await connection.close();
    await temporal.stop();
  }
  expect(isAlive(temporal.process.pid)).toBe(false);
});
