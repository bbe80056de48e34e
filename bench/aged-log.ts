/** The write-ahead log of a server that has been up for a while, for one that was started a moment ago. */
import { onClient } from './fill-ledger.ts';

/**
 * A server writes over files of its log that it needs no more. A new one has none and must make each file, for which
 * everybody waits: some 50 ms for every 16 MB here. This makes as many as the log may have, once, and keeps them.
 * `ownerUrl` is a superuser's.
 */
export const ageLog = (ownerUrl: string): Promise<void> =>
  onClient(ownerUrl, async (client) => {
    const { rows } = await client.query<{ files: number; size: string }>(
      `select (pg_size_bytes(current_setting('max_wal_size')) / pg_size_bytes(current_setting('wal_segment_size')))::int
         as files, current_setting('max_wal_size') as size`,
    );
    const [log] = rows;
    if (log === undefined) throw new Error('The server does not say how large its log may be.');
    await client.query(`alter system set min_wal_size = '${log.size}'`);
    await client.query('select pg_reload_conf()');
    for (let file = 0; file < log.files; file += 1) {
      // An empty file would not be left.
      await client.query("select pg_logical_emit_message(true, 'bench', '')");
      await client.query('select pg_switch_wal()');
    }
    // Of files before the last checkpoint, what is needed no more is kept for later.
    await client.query('checkpoint');
  });
