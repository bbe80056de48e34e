/**
 * Columns as PostgreSQL array literals. The driver would look at every element of every array; here the column's type
 * says how its elements are written, which is a good part of what a bet costs this process.
 */

/** How the elements of a column are spelled inside a literal. */
export type ElementForm =
  /** Digits, letters, hyphens and colons: numbers, uuids, booleans, instants without blanks. */
  | 'plain'
  /** Anything: quoted and escaped. */
  | 'text'
  | 'bytea';

export const elementFormOf = (type: string): ElementForm => {
  switch (type) {
    case 'text':
    case 'jsonb':
      return 'text';
    case 'bytea':
      return 'bytea';
    default:
      return 'plain';
  }
};

/** The literal of one column; `rows` give the element at `index`. */
export function arrayLiteral(
  rows: readonly (readonly unknown[])[],
  index: number,
  form: ElementForm,
): string {
  let literal = '{';
  for (const row of rows) {
    if (literal.length > 1) literal += ',';
    literal += element(row[index], form);
  }
  return `${literal}}`;
}

function element(value: unknown, form: ElementForm): string {
  if (value === null || value === undefined) return 'NULL';
  switch (form) {
    case 'plain':
      return String(value as string | number | bigint | boolean);
    case 'text':
      return quoted(value as string);
    case 'bytea':
      return `"\\\\x${(value as Buffer).toString('hex')}"`;
  }
}

function quoted(text: string): string {
  const escaped = text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
  return `"${escaped.includes('"') ? escaped.replaceAll('"', '\\"') : escaped}"`;
}
