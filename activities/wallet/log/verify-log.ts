/** Holds the ledger of a database against its log: every journal as it was logged, every checkpoint signed and contained. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { checkpointText } from '#domain/wallet/checkpoint.ts';
import { leafText, type JournalLeaf } from '#domain/wallet/journal-leaf.ts';
import { createRootBuilder } from '#domain/wallet/merkle.ts';
import { pendingJournals } from '../export/pending-journals.ts';
import type { Check } from '../verify.ts';
import { hashLeaf, hashNode } from './hashing.ts';
import { leavesBetween } from './leaf-rows.ts';
import { openNote } from './signed-note.ts';
import { hashesOfRanges, leafHashesBetween, readLogSize } from './tiles.ts';

const pageRows = 2_000;
const findingsMax = 20;

/** Walks the log from its first leaf, so that the first finding is the first in ledger order. */
export async function checkLog(db: Database, trustedKeys: readonly string[]): Promise<Check[]> {
  const size = await readLogSize(db);
  const keys = trustedKeys.length > 0 ? trustedKeys : await namedKeys(db);
  const [bad, checkpointFindings]: [string[], string[]] = [[], []];
  const root = createRootBuilder(hashNode);
  let checkpoints = 0;
  for (let first = 0; first < size && bad.length < findingsMax; first += pageRows) {
    const next = Math.min(size, first + pageRows);
    const page = await readLeafPage(db, first, next);
    bad.push(...leafFindings(page).map(({ says }) => says));
    const signed = await checkpointsBetween(db, first, next);
    for (const [at, hash] of page.stored.entries()) {
      root.add(hash);
      const checkpoint = signed.get(root.size);
      if (checkpoint === undefined) continue;
      checkpoints += 1;
      const finding = judge(checkpoint, Buffer.from(root.root() ?? []), first + at + 1, keys);
      if (finding !== null) checkpointFindings.push(finding);
    }
  }
  bad.push(...(await unloggedJournals(db)));
  checkpointFindings.push(...(await checkpointsBeyond(db, size)));
  if (size > 0 && bad.length === 0) {
    const [stored] = await hashesOfRanges(db, [{ begin: 0, end: size }]);
    if (!Buffer.from(root.root() ?? []).equals(stored ?? Buffer.alloc(0)))
      checkpointFindings.push('the upper tiles of the log are not what its leaves lead to');
  }
  return [
    {
      name: 'every journal is the leaf that was logged',
      covered: `${size} leaves`,
      findings: bad.slice(0, findingsMax),
    },
    {
      name: 'every checkpoint is signed and contained in the log',
      covered: `${checkpoints} checkpoints`,
      findings: checkpointFindings.slice(0, findingsMax),
    },
  ];
}

export type LeafFinding = { readonly index: number; readonly journalId: string; readonly says: string };

/** A run of leaves: which journals they name, what these are now, and the hashes that were logged. */
export type LeafPage = {
  readonly first: number;
  readonly next: number;
  readonly named: ReadonlyMap<number, string>;
  readonly leaves: ReadonlyMap<number, JournalLeaf>;
  readonly stored: readonly Uint8Array[];
};

export async function readLeafPage(db: Database, first: number, next: number): Promise<LeafPage> {
  const rows = await db
    .selectFrom('wallet.logLeaf')
    .select(['index', 'journalId'])
    .where('index', '>=', BigInt(first))
    .where('index', '<', BigInt(next))
    .execute();
  return {
    first,
    next,
    named: new Map(rows.map(({ index, journalId }) => [Number(index), journalId])),
    leaves: new Map((await leavesBetween(db, first, next)).map(({ index, leaf }) => [index, leaf])),
    stored: await leafHashesBetween(db, first, next),
  };
}

/** Leaves whose journal is gone or is not what was logged, in order. */
export function leafFindings({ first, next, named, leaves, stored }: LeafPage): LeafFinding[] {
  const findings: LeafFinding[] = [];
  for (let index = first; index < next; index += 1) {
    const journalId = named.get(index);
    const leaf = leaves.get(index);
    if (journalId === undefined) {
      findings.push({ index, journalId: '', says: `leaf ${index} of the log names no journal` });
    } else if (leaf === undefined) {
      findings.push({
        index,
        journalId,
        says: `journal ${journalId} (leaf ${index}) is gone from the ledger`,
      });
    } else if (!hashLeaf(leafText(leaf)).equals(stored[index - first] ?? Buffer.alloc(0))) {
      findings.push({
        index,
        journalId,
        says: `journal ${journalId} (leaf ${index}) is not what was logged`,
      });
    }
  }
  return findings;
}

type SignedRow = { readonly root: Buffer; readonly note: string };

async function checkpointsBetween(
  db: Database,
  first: number,
  next: number,
): Promise<Map<number, SignedRow>> {
  const rows = await db
    .selectFrom('wallet.logCheckpoint')
    .select(['size', 'root', 'note'])
    .where('size', '>', BigInt(first))
    .where('size', '<=', BigInt(next))
    .execute();
  return new Map(rows.map(({ size, root, note }) => [Number(size), { root, note }]));
}

function judge(
  { root, note }: SignedRow,
  actual: Buffer,
  size: number,
  keys: readonly string[],
): string | null {
  if (!root.equals(actual)) return `the checkpoint of ${size} leaves has another root than the log`;
  const text = keys.map((key) => openNote(note, key)).find((opened) => opened.ok);
  if (text === undefined) return `the checkpoint of ${size} leaves is not signed by a known key`;
  const [origin = ''] = text.value.split('\n');
  return text.value === checkpointText({ origin, size, root: actual.toString('base64') })
    ? null
    : `the checkpoint of ${size} leaves was signed for something else`;
}

async function checkpointsBeyond(db: Database, size: number): Promise<string[]> {
  const rows = await db
    .selectFrom('wallet.logCheckpoint')
    .select('size')
    .where('size', '>', BigInt(size))
    .limit(findingsMax)
    .execute();
  return rows.map((row) => `the checkpoint of ${row.size} leaves is beyond the log, which has ${size}`);
}

async function namedKeys(db: Database): Promise<string[]> {
  return (await db.selectFrom('wallet.logKey').select('vkey').execute()).map(({ vkey }) => vkey);
}

/** Journals that are neither in the log nor on their way there: somebody wrote them past the one door. */
async function unloggedJournals(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select j.id from wallet.journal j left join wallet.log_leaf l on l.journal_id = j.id
    where l.index is null and not j.id = any(${await pendingJournals(db)}::uuid[])
    order by j.occurred_at, j.id limit ${findingsMax}`.execute(db);
  return rows.map(({ id }) => `journal ${id} is in the ledger and was never posted`);
}
