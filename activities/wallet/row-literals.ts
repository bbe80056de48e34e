/**
 * Rows as PostgreSQL reads them: an array of one composite type for each table that a batch writes. The driver would look
 * at every value of every column; here the column says how its cell is written, which is a good part of what a bet costs
 * this process.
 */

/** What means nothing but itself, neither in an array nor in a row. */
const plain = /^[\w.:+-]+$/;

/** Any text; null is an empty cell. */
export const textCell = (text: string | null): string => {
  if (text === null) return '';
  if (plain.test(text)) return text;
  // Escaped once as a cell of a row, by doubling, and once more as an element of an array.
  return `\\"${text.replaceAll('\\', '\\\\\\\\').replaceAll('"', '\\"\\"')}\\"`;
};

/** Bytes, given in hex. */
export const bytesCell = (hex: string | null): string => (hex === null ? '' : `\\\\\\\\x${hex}`);

export const numberCell = (number: bigint | number | null): string => (number === null ? '' : `${number}`);

export const flagCell = (flag: boolean): string => (flag ? 't' : 'f');

/** Epoch milliseconds; the infinities are PostgreSQL's. */
export const instantCell = (ms: number): string => {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity';
  if (ms === Number.NEGATIVE_INFINITY) return '-infinity';
  return new Date(ms).toISOString();
};

/** One row of an array; ids and words of our own are cells as they are. */
export const rowLiteral = (cells: readonly string[]): string => `"(${cells.join(',')})"`;

export const arrayOfRows = (rows: readonly string[]): string => `{${rows.join(',')}}`;

/** JSON documents one below the other: a document has no line break of its own, and nothing in it has to be escaped again. */
export const linesOf = (documents: readonly string[]): string => documents.join('\n');
