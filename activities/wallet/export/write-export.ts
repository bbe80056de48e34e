/** Writes the whole ledger into a folder that can be verified without any database, in one snapshot and flat memory. */
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { pools } from '#domain/wallet/chart.ts';
import {
  exportFormat,
  manifestNote,
  type ExportedFile,
  type Manifest,
  type RoundLine,
  type WalletLine,
} from '#domain/wallet/export.schema.ts';
import { leafText } from '#domain/wallet/journal-leaf.ts';
import { findCheckpoint } from '../log/checkpoints.ts';
import { leavesBetween, leavesOf } from '../log/leaf-rows.ts';
import type { NoteSigner } from '../log/signed-note.ts';
import { leafHashesBetween, readLogSize } from '../log/tiles.ts';
import { pendingJournals } from './pending-journals.ts';

const pageRows = 5_000;
const journalsPerFile = 250_000;

export type WrittenExport = { readonly manifest: Manifest; readonly isSigned: boolean };

/**
 * Writes the export; the folder is made and must not hold one. Without a signer the manifest is not signed, and the
 * checkpoint alone vouches for it. Throws when no checkpoint was ever signed.
 */
export async function writeExport(db: Database, folder: string, signer?: NoteSigner): Promise<WrittenExport> {
  await mkdir(folder, { recursive: true });
  const manifest = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (snapshot) => {
      await sql`set local statement_timeout = 0`.execute(snapshot);
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(snapshot);
      const checkpoint = await findCheckpoint(snapshot, 'latest');
      if (checkpoint === null)
        throw new Error('No checkpoint was signed yet: there is nothing that an export could rest on.');
      const { rows } = await sql<{ at: string }>`
        select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`.execute(snapshot);
      const files = [
        ...(await writeJournals(snapshot, folder, checkpoint.size)),
        await writeHashes(snapshot, folder, checkpoint.size),
        await writeTail(snapshot, folder, checkpoint.size),
        await writeWallets(snapshot, folder),
        await writeRounds(snapshot, folder),
      ];
      return {
        format: exportFormat,
        createdAt: rows[0]?.at ?? '',
        checkpoint: checkpoint.note,
        files,
      } as const;
    });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFile(join(folder, 'manifest.json'), text, { flag: 'wx' });
  if (signer !== undefined) {
    const note = signer.sign(manifestNote(createHash('sha256').update(text).digest('hex')));
    await writeFile(join(folder, 'manifest.sig'), note, { flag: 'wx' });
  }
  return { manifest, isSigned: signer !== undefined };
}

type OpenFile = {
  write(bytes: string | Uint8Array, lines: number): Promise<void>;
  close(): Promise<ExportedFile>;
};

/** A file that counts and hashes what goes into it, and waits while the disk is slower than the database. */
async function openFile(folder: string, name: string, kind: ExportedFile['kind']): Promise<OpenFile> {
  const stream: WriteStream = createWriteStream(join(folder, name), { flags: 'wx' });
  await once(stream, 'open');
  const hash: Hash = createHash('sha256');
  let [lines, bytes] = [0, 0];
  return {
    write: async (data, count) => {
      const chunk = typeof data === 'string' ? Buffer.from(data) : data;
      if (chunk.length === 0) return;
      hash.update(chunk);
      lines += count;
      bytes += chunk.length;
      if (!stream.write(chunk)) await once(stream, 'drain');
    },
    close: async () => {
      stream.end();
      await once(stream, 'close');
      return { name, kind, lines, bytes, sha256: hash.digest('hex') };
    },
  };
}

const linesOf = (items: readonly string[]): string => items.map((item) => `${item}\n`).join('');

async function writeJournals(snapshot: Trx, folder: string, size: number): Promise<ExportedFile[]> {
  const files: ExportedFile[] = [];
  for (let first = 0; first < size; first += journalsPerFile) {
    const end = Math.min(size, first + journalsPerFile);
    const name = `journals-${String(files.length + 1).padStart(5, '0')}.ndjson`;
    const file = await openFile(folder, name, 'journals');
    for (let at = first; at < end; at += pageRows) {
      const leaves = await leavesBetween(snapshot, at, Math.min(end, at + pageRows));
      await file.write(linesOf(leaves.map(({ leaf }) => leafText(leaf))), leaves.length);
    }
    files.push(await file.close());
  }
  return files;
}

async function writeHashes(snapshot: Trx, folder: string, size: number): Promise<ExportedFile> {
  const file = await openFile(folder, 'hashes.bin', 'hashes');
  for (let at = 0; at < size; at += pageRows) {
    const hashes = await leafHashesBetween(snapshot, at, Math.min(size, at + pageRows));
    await file.write(Buffer.concat(hashes), hashes.length);
  }
  return file.close();
}

/** What the checkpoint does not cover yet: logged since, or on its way into the log. */
async function writeTail(snapshot: Trx, folder: string, size: number): Promise<ExportedFile> {
  const file = await openFile(folder, 'tail.ndjson', 'tail');
  const logged = await readLogSize(snapshot);
  for (let at = size; at < logged; at += pageRows) {
    const leaves = await leavesBetween(snapshot, at, Math.min(logged, at + pageRows));
    await file.write(linesOf(leaves.map(({ leaf }) => leafText(leaf))), leaves.length);
  }
  const pending = await pendingJournals(snapshot);
  for (let at = 0; at < pending.length; at += pageRows) {
    const leaves = await leavesOf(snapshot, pending.slice(at, at + pageRows));
    await file.write(linesOf(leaves.map(({ leaf }) => leafText(leaf))), leaves.length);
  }
  return file.close();
}

async function writeWallets(snapshot: Trx, folder: string): Promise<ExportedFile> {
  const file = await openFile(folder, 'wallets.ndjson', 'wallets');
  let after = { playerId: '00000000-0000-0000-0000-000000000000', asset: '' };
  for (;;) {
    const rows = await snapshot
      .selectFrom('wallet.playerWallet')
      .selectAll()
      .where(sql<boolean>`(player_id, asset) > (${after.playerId}::uuid, ${after.asset})`)
      .orderBy('playerId')
      .orderBy('asset')
      .limit(pageRows)
      .execute();
    const lines = rows.map((row): string => {
      const line: WalletLine = {
        playerId: row.playerId,
        asset: row.asset,
        pools: Object.fromEntries(
          pools.map((pool) => [
            pool,
            {
              balance: row[pool],
              seq: String(row[`${pool}Seq`]),
              head: row[`${pool}Head`]?.toString('hex') ?? '',
            },
          ]),
        ),
      };
      return JSON.stringify(line);
    });
    await file.write(linesOf(lines), lines.length);
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return file.close();
    after = last;
  }
}

async function writeRounds(snapshot: Trx, folder: string): Promise<ExportedFile> {
  const file = await openFile(folder, 'rounds.ndjson', 'rounds');
  let after = { playerId: '00000000-0000-0000-0000-000000000000', integration: '', roundRef: '' };
  for (;;) {
    const { rows } = await sql<RoundLine>`
      select integration, round_ref, player_id, staked, won from games.round
      where (player_id, integration, round_ref) > (${after.playerId}::uuid, ${after.integration}, ${after.roundRef})
      order by player_id, integration, round_ref limit ${pageRows}`.execute(snapshot);
    await file.write(
      linesOf(
        rows.map(({ integration, roundRef, playerId, staked, won }) =>
          JSON.stringify({ integration, roundRef, playerId, staked, won }),
        ),
      ),
      rows.length,
    );
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return file.close();
    after = last;
  }
}
