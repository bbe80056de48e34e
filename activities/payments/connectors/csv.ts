/**
 * Comma-separated files as RFC 4180 has them, read record by record by the names of the first line: a file of a busy day
 * is large, and nobody needs all of its records at once.
 */
import { fail, FailureError } from '#domain/failures.ts';

/** Each record by column name. Throws `invalid-request` (a column is missing, a record has another width, open quotes). */
export function* readCsv<Column extends string>(
  content: string,
  columns: readonly Column[],
): Generator<Readonly<Record<Column, string>>> {
  let places: readonly (readonly [Column, number])[] | null = null;
  let width = 0;
  for (const record of recordsOf(content)) {
    if (places === null) {
      places = columns.map((name) => [name, record.indexOf(name)] as const);
      const missing = places.find(([, place]) => place < 0);
      if (missing) throw refusal(`The file has no column ${missing[0]}.`);
      width = record.length;
      continue;
    }
    if (record.length !== width) throw refusal('A record is wider or narrower than the header.');
    yield Object.fromEntries(places.map(([name, place]) => [name, record[place] ?? ''])) as Record<
      Column,
      string
    >;
  }
  if (places === null) throw refusal(`The file has no column ${columns[0] ?? ''}.`);
}

const refusal = (detail: string): FailureError => new FailureError(fail('invalid-request', detail).failure);

function* recordsOf(content: string): Generator<readonly string[]> {
  let record: string[] = [];
  let at = content.startsWith('\uFEFF') ? 1 : 0;
  while (at < content.length) {
    const { field, end } = content[at] === '"' ? quotedField(content, at) : plainField(content, at);
    record.push(field);
    at = end + 1;
    if (content[end] === ',') {
      // A comma at the very end has an empty field after it.
      if (at < content.length) continue;
      record.push('');
    }
    if (record.length > 1 || record[0] !== '') yield record;
    record = [];
  }
}

type Field = {
  readonly field: string;
  /** Where the comma or line end after it is; the length of the content at its end. */
  readonly end: number;
};

function plainField(content: string, from: number): Field {
  let end = from;
  while (end < content.length && content[end] !== ',' && content[end] !== '\n') end += 1;
  const field = content.slice(from, end);
  return { field: content[end] === ',' ? field : field.replace(/\r$/, ''), end };
}

function quotedField(content: string, from: number): Field {
  let field = '';
  let at = from + 1;
  for (;;) {
    const quote = content.indexOf('"', at);
    if (quote < 0) throw refusal('The file ends inside a quoted field.');
    field += content.slice(at, quote);
    if (content[quote + 1] !== '"') {
      const rest = plainField(content, quote + 1);
      return { field: field + rest.field, end: rest.end };
    }
    field += '"';
    at = quote + 2;
  }
}
