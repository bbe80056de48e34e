/** Reads an exported file line by line in flat memory, and tells afterwards whether it is the file of the manifest. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { ExportedFile } from '#domain/wallet/export.schema.ts';
import { hashBytes } from '#domain/wallet/log-tile.ts';

export type FileReport = (finding: string) => void;

const lineBreak = 0x0a;
/** No line of an export is longer; a file that has one is none of ours. */
const lineBytesMax = 1024 * 1024;

/** The file's bytes in chunks; reports when it is missing, or not the one that the manifest lists. */
async function* chunksOf(folder: string, file: ExportedFile, report: FileReport): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(join(folder, file.name), { highWaterMark: 256 * 1024 })) {
      const data = chunk as Buffer;
      hash.update(data);
      bytes += data.length;
      yield data;
    }
  } catch (error) {
    report(`${file.name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  if (bytes !== file.bytes) report(`${file.name} has ${bytes} bytes, the manifest says ${file.bytes}`);
  else if (hash.digest('hex') !== file.sha256)
    report(`${file.name} does not have the SHA-256 that the manifest says`);
}

/** The lines of a file without their ends; a last line without an end is reported, since something was cut off. */
export async function* linesOf(
  folder: string,
  file: ExportedFile,
  report: FileReport,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let lines = 0;
  for await (const chunk of chunksOf(folder, file, report)) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = data.indexOf(lineBreak, from); end >= 0; end = data.indexOf(lineBreak, from)) {
      lines += 1;
      yield data.subarray(from, end);
      from = end + 1;
    }
    rest = data.subarray(from);
    if (rest.length > lineBytesMax) {
      report(`line ${lines + 1} of ${file.name} is longer than any line of an export`);
      return;
    }
  }
  if (rest.length > 0) report(`${file.name} ends within line ${lines + 1}`);
  if (lines !== file.lines) report(`${file.name} has ${lines} lines, the manifest says ${file.lines}`);
}

/** The hashes of a file of leaf hashes. */
export async function* hashesOf(
  folder: string,
  file: ExportedFile,
  report: FileReport,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunksOf(folder, file, report)) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = data.length - (data.length % hashBytes);
    for (let at = 0; at < whole; at += hashBytes) yield data.subarray(at, at + hashBytes);
    rest = data.subarray(whole);
  }
}
