/**
 * Comma-separated files as RFC 4180 has them, read record by record by the names of the first line, out of a text that comes
 * in parts: a file of a busy day is large, and nobody needs all of it at once.
 */
import { fail, FailureError } from '#domain/failures.ts';

/** Whole, or in parts that may end anywhere. */
export type TextParts = string | AsyncIterable<string>;

/** Each record by column name. Throws `invalid-request` (a column is missing, a record has another width, open quotes). */
export async function* readCsv<Column extends string>(
  content: TextParts,
  columns: readonly Column[],
): AsyncGenerator<Readonly<Record<Column, string>>> {
  let places: readonly (readonly [Column, number])[] | null = null;
  let width = 0;
  for await (const records of recordsOf(content)) {
    for (const record of records) {
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
  }
  if (places === null) throw refusal(`The file has no column ${columns[0] ?? ''}.`);
}

const refusal = (detail: string): FailureError => new FailureError(fail('invalid-request', detail).failure);

/** A quote that nothing closes would otherwise gather the rest of the file. */
const recordCharactersMax = 1_000_000;

/** The records that each part completes. */
async function* recordsOf(content: TextParts): AsyncGenerator<Iterable<readonly string[]>> {
  const parts = typeof content === 'string' ? [content] : content;
  let rest = '';
  let isFirst = true;
  for await (const part of parts) {
    const text: string = isFirst && part.startsWith('\uFEFF') ? part.slice(1) : rest + part;
    isFirst = false;
    const end = { at: 0 };
    yield completeRecords(text, end, false);
    rest = text.slice(end.at);
    if (rest.length > recordCharactersMax) throw refusal('A record is too long.');
  }
  yield completeRecords(rest, { at: 0 }, true);
}

/** Moves `end` behind the last record that was read. What is not complete waits for the next part, unless there is none. */
function* completeRecords(text: string, end: { at: number }, isLast: boolean): Generator<readonly string[]> {
  while (end.at < text.length) {
    const found = recordAt(text, end.at, isLast);
    if (found === null) return;
    end.at = found.end;
    if (found.record.length > 1 || found.record[0] !== '') yield found.record;
  }
}

/** Null where the text ends before the record does. */
function recordAt(
  text: string,
  from: number,
  isLast: boolean,
): { readonly record: readonly string[]; readonly end: number } | null {
  const record: string[] = [];
  let at = from;
  for (;;) {
    const found = text[at] === '"' ? quotedField(text, at, isLast) : plainField(text, at);
    if (found === null || (found.end >= text.length && !isLast)) return null;
    record.push(found.field);
    at = found.end + 1;
    if (text[found.end] !== ',') return { record, end: Math.min(at, text.length) };
    if (at >= text.length) {
      if (!isLast) return null;
      // A comma at the very end has an empty field after it.
      record.push('');
      return { record, end: text.length };
    }
  }
}

type Field = {
  readonly field: string;
  /** Where the comma or line end after it is; the length of the text at its end. */
  readonly end: number;
};

function plainField(content: string, from: number): Field {
  let end = from;
  while (end < content.length && content[end] !== ',' && content[end] !== '\n') end += 1;
  const field = content.slice(from, end);
  return { field: content[end] === ',' ? field : field.replace(/\r$/, ''), end };
}

/** Null where its end may be in the next part. */
function quotedField(content: string, from: number, isLast: boolean): Field | null {
  let field = '';
  let at = from + 1;
  for (;;) {
    const quote = content.indexOf('"', at);
    if (quote < 0) {
      if (!isLast) return null;
      throw refusal('The file ends inside a quoted field.');
    }
    if (quote + 1 === content.length && !isLast) return null;
    field += content.slice(at, quote);
    if (content[quote + 1] !== '"') {
      const rest = plainField(content, quote + 1);
      return { field: field + rest.field, end: rest.end };
    }
    field += '"';
    at = quote + 2;
  }
}
