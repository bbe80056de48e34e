/** Inserts a block of facts so that sending it again adds nothing, neither to the table nor behind its views. */
import type { ClickHouseClient } from '@clickhouse/client';

export type LoadableEvent = {
  readonly eventId: string;
  readonly type: string;
  readonly version: number;
  readonly brand: string;
  readonly playerId: string | null;
  /** UTC with microseconds, `2026-11-24 12:00:00.000000`: nothing of the ledger's precision is lost on the way. */
  readonly occurredAt: string;
  readonly payload: unknown;
  readonly xid: string;
  readonly id: bigint;
};

/** The token decides, not the content: the caller must send the identical block under the identical token. */
export async function loadEvents(
  client: ClickHouseClient,
  events: readonly LoadableEvent[],
  token: string,
): Promise<void> {
  if (events.length === 0) return;
  await client.insert({
    table: 'event',
    format: 'JSONEachRow',
    columns: ['event_id', 'type', 'version', 'brand', 'player_id', 'occurred_at', 'xid', 'id', 'payload'],
    values: events.map(toRow),
    clickhouse_settings: {
      insert_deduplicate: 1,
      insert_deduplication_token: token,
      deduplicate_blocks_in_dependent_materialized_views: 1,
      async_insert: 0,
      // A block that were cut in two would carry two tokens.
      input_format_parallel_parsing: 0,
    },
  });
}

const toRow = (event: LoadableEvent): Record<string, unknown> => ({
  event_id: event.eventId,
  type: event.type,
  version: event.version,
  brand: event.brand,
  player_id: event.playerId,
  occurred_at: event.occurredAt,
  xid: event.xid,
  id: event.id.toString(),
  payload: JSON.stringify(event.payload),
});
