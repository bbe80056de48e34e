/** Comma-separated files as RFC 4180 has them, read into rows by the names of their first line. */
import { fail, succeed, type Result } from '#domain/failures.ts';

/** Each record by column name. Failure: `invalid-request` (a column is missing, a record has another width, open quotes). */
export function readCsv<Column extends string>(
  content: string,
  columns: readonly Column[],
): Result<readonly Readonly<Record<Column, string>>[]> {
  const records = recordsOf(content);
  if (records === null) return fail('invalid-request', 'The file ends inside a quoted field.');
  const [header = [], ...rows] = records;
  const places = columns.map((name): [Column, number] => [name, header.indexOf(name)]);
  const missing = places.find(([, place]) => place < 0);
  if (missing) return fail('invalid-request', `The file has no column ${missing[0]}.`);
  if (rows.some((row) => row.length !== header.length))
    return fail('invalid-request', 'A record is wider or narrower than the header.');
  return succeed(
    rows.map(
      (row) =>
        Object.fromEntries(places.map(([name, place]) => [name, row[place] ?? ''])) as Record<Column, string>,
    ),
  );
}

function recordsOf(content: string): string[][] | null {
  const records: string[][] = [];
  let record: string[] = [];
  let field = '';
  let isQuoted = false;
  const text = content.replace(/^\uFEFF/, '');
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (isQuoted) {
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (char === '"' && field === '') isQuoted = true;
    else if (char === ',') {
      record.push(field);
      field = '';
    } else if (char === '\n') {
      records.push([...record, field.replace(/\r$/, '')]);
      record = [];
      field = '';
    } else field += char;
  }
  if (isQuoted) return null;
  if (field !== '' || record.length > 0) records.push([...record, field]);
  return records.filter((one) => one.length > 1 || one[0] !== '');
}
