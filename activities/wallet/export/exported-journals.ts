/** The journals of an export, parsed as what strangers wrote, in ledger order over all their files. */
import { journalLineSchema, type ExportedFile, type JournalLine } from '#domain/wallet/export.schema.ts';
import { linesOf } from './export-lines.ts';

/** Parsed lines of the journal files in ledger order; what cannot be read is reported with its place. */
export async function* journalsIn(
  folder: string,
  files: readonly ExportedFile[],
  report: (finding: string, place: number) => void,
): AsyncGenerator<{ journal: JournalLine | null; bytes: Buffer; place: number }> {
  let place = 0;
  for (const file of files) {
    for await (const bytes of linesOf(folder, file, (finding) => report(finding, place))) {
      const parsed = journalLineSchema.safeParse(parseJson(bytes));
      if (!parsed.success) report(`line ${place + 1} of the journals (${file.name}) is not a journal`, place);
      yield { journal: parsed.success ? parsed.data : null, bytes, place };
      place += 1;
    }
  }
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
