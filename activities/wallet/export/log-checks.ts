/** Holds exported journals against the leaf hashes and the signed root, and says which one is not what was signed. */
import type { Checkpoint } from '#domain/wallet/checkpoint.ts';
import type { ExportedFile } from '#domain/wallet/export.schema.ts';
import { createRootBuilder } from '#domain/wallet/merkle.ts';
import { hashLeaf, hashNode } from '../log/hashing.ts';
import { hashesOf } from './export-lines.ts';
import type { Finding } from './journal-checks.ts';

export type LogChecks = {
  take(bytes: Buffer, journalId: string | null, place: number): Promise<void>;
  finish(): Promise<void>;
  readonly findings: Finding[];
};

/** Leaves that may be missing in a row and still be recognised as missing. */
const lookAheadMax = 10_000;
const findingsMax = 20;

export function createLogChecks(
  folder: string,
  files: readonly ExportedFile[],
  checkpoint: Checkpoint | null,
): LogChecks {
  const findings: Finding[] = [];
  const ofLines = createRootBuilder(hashNode);
  const ofHashes = createRootBuilder(hashNode);
  const source = hashes(folder, files);
  /** Hashes of the log that no line has claimed yet. */
  const ahead: string[] = [];
  /** Leaves that were passed over, by hash. */
  const missing = new Map<string, number>();
  let isOver = false;
  let leaf = 0;

  const pull = async (): Promise<boolean> => {
    if (isOver) return false;
    const next = await source.next();
    if (next.done) {
      isOver = true;
      return false;
    }
    ofHashes.add(Buffer.from(next.value));
    ahead.push(next.value.toString('hex'));
    return true;
  };

  const report = (place: number, says: string): void => {
    if (findings.length < findingsMax) findings.push({ place, says });
  };

  return {
    findings,
    async take(bytes, journalId, place) {
      const hash = hashLeaf(bytes);
      const hex = hash.toString('hex');
      ofLines.add(hash);
      if (ahead.length === 0) await pull();
      if (ahead[0] === hex) {
        ahead.shift();
        leaf += 1;
        return;
      }
      const name = journalId === null ? `line ${place + 1}` : `journal ${journalId}`;
      const displaced = missing.get(hex);
      if (displaced !== undefined) {
        missing.delete(hex);
        report(place, `${name}, which is leaf ${displaced} of the log, stands behind leaf ${leaf - 1}`);
        return;
      }
      if (findings.length >= findingsMax) return;
      // Only a search tells a changed journal from one before which others are missing.
      while (!ahead.includes(hex, 1) && ahead.length < lookAheadMax && (await pull()));
      const at = ahead.indexOf(hex, 1);
      if (at < 0) {
        report(place, `${name} is not leaf ${leaf} of the log: it was changed or put in`);
        ahead.shift();
        leaf += 1;
        return;
      }
      const gap =
        at === 1 ? `leaf ${leaf} of the log is` : `leaves ${leaf} to ${leaf + at - 1} of the log are`;
      report(place, `${gap} not there: ${name}, leaf ${leaf + at}, follows`);
      for (const passed of ahead.splice(0, at)) missing.set(passed, leaf++);
      ahead.shift();
      leaf += 1;
    },
    async finish() {
      const size = checkpoint?.size ?? 0;
      if (ofLines.size < size)
        report(ofLines.size, `the journals end after ${ofLines.size}, the checkpoint covers ${size}`);
      if (ofLines.size > size)
        report(size, `there are ${ofLines.size} journals, the checkpoint covers ${size}`);
      ahead.length = 0;
      while (await pull()) ahead.length = 0;
      const root = (builder: typeof ofLines) => Buffer.from(builder.root() ?? []).toString('base64');
      if (root(ofHashes) !== checkpoint?.root)
        report(Number.MAX_SAFE_INTEGER, 'the leaf hashes do not lead to the root of the checkpoint');
      if (root(ofLines) !== checkpoint?.root)
        report(Number.MAX_SAFE_INTEGER, 'the journals do not lead to the root of the checkpoint');
    },
  };
}

async function* hashes(folder: string, files: readonly ExportedFile[]): AsyncGenerator<Buffer> {
  // The file itself is judged by the root it leads to.
  for (const file of files) yield* hashesOf(folder, file, () => {});
}
