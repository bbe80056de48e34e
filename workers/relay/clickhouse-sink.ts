/** Facts into ClickHouse: one insert per block under its token, so that a repeated block adds nothing. */
import type { ClickHouseClient } from '@clickhouse/client';
import { loadEvents } from '#analytics/load-events.ts';
import { deduplicationToken, type Block, type Sink } from './block.ts';

export function createClickHouseSink(client: ClickHouseClient, migrate: () => Promise<void>): Sink {
  return {
    name: 'clickhouse',
    blockRowsMax: 5_000,
    // Small inserts are dear; a quarter of a second keeps facts fresh and parts few.
    restMs: 200,
    prepare: migrate,
    deliver: (block: Block) => loadEvents(client, block.facts, deduplicationToken(block)),
    close: () => client.close(),
  };
}
