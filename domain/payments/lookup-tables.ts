/**
 * Tables that staff import so that rules know the country of an address and the bank of a card: CSV in parts, one row
 * a line. Nothing here knows any country or bank by itself.
 */
import { fail, succeed, type Result } from '../failures.ts';

export const lookupKinds = ['ip-network', 'bin'] as const;
export type LookupKind = (typeof lookupKinds)[number];

export const cardTypes = ['credit', 'debit', 'prepaid'] as const;

/** A part must fit into a request of 64 kB. */
export const lookupLinesMax = 2_000;

/** The network as text: whether it is one is asked of the database, which will look it up. */
export type NetworkRow = { readonly line: number; readonly network: string; readonly country: string };

export type BinRow = {
  readonly line: number;
  /** First eight digits as a number, both ends within. */
  readonly first: number;
  readonly last: number;
  readonly issuer: string;
  readonly country: string;
  readonly cardType: (typeof cardTypes)[number] | null;
};

const country = /^[A-Z]{2}$/;

/** `192.0.2.0/24,MT` a line. Failure: `invalid-request` with the number of the first bad line. */
export const parseNetworks = (csv: string): Result<readonly NetworkRow[]> =>
  parseLines(csv, 'network,country', ([network = '', code = ''], line, cells) =>
    cells === 2 && /^[0-9a-fA-F.:]{2,45}\/\d{1,3}$/.test(network) && country.test(code)
      ? { line, network, country: code }
      : null,
  );

/** `41111100,41111199,Bank of Nowhere,MT,credit` a line; the type may be empty. Failure as of `parseNetworks`. */
export const parseBins = (csv: string): Result<readonly BinRow[]> =>
  parseLines(
    csv,
    'first,last,issuer,country,type',
    ([low = '', high = '', issuer = '', code = '', type = ''], line, cells) => {
      const cardType = cardTypes.find((known) => known === type) ?? null;
      const isFit =
        cells === 5 &&
        /^\d{8}$/.test(low) &&
        /^\d{8}$/.test(high) &&
        low <= high &&
        issuer.length >= 1 &&
        issuer.length <= 200 &&
        country.test(code) &&
        (type === '' || cardType !== null);
      return isFit ? { line, first: Number(low), last: Number(high), issuer, country: code, cardType } : null;
    },
  );

export const badLine = (line: number) =>
  fail('invalid-request', `Line ${line} cannot be read.`, {
    fields: [{ pointer: '/csv', detail: `line ${line} is not of the form that the kind asks for` }],
  });

function parseLines<T>(
  csv: string,
  header: string,
  read: (cells: readonly string[], line: number, count: number) => T | null,
): Result<readonly T[]> {
  const lines = csv.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const rows: T[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 && line === header) continue;
    const cells = cellsOf(line);
    const row = cells && read(cells, index + 1, cells.length);
    if (row === null) return badLine(index + 1);
    rows.push(row);
  }
  if (rows.length === 0 || rows.length > lookupLinesMax)
    return fail('invalid-request', `A part has 1 to ${lookupLinesMax} lines.`, {
      fields: [{ pointer: '/csv', detail: `has ${rows.length} lines` }],
    });
  return succeed(rows);
}

/** Names of banks hold commas, so cells may be quoted, a quote inside being two; null for what is no line of CSV. */
function cellsOf(line: string): readonly string[] | null {
  const cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const found = cell.exec(line);
    if (found === null) return null;
    cells.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    if (found[3] === '') return cells;
  }
}
