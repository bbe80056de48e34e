/**
 * Looks a decision table through before anybody publishes it: rows that nothing can reach, rows that overlap, and cases
 * that no row covers. Every column is cut into the few pieces that its cells can tell apart, so that the answer is exact.
 */
import type { Field } from './catalogue.ts';
import type { Cell, TableDecision } from './decision.schema.ts';
import { readConstant, valueText } from './constants.ts';
import { cellConstant } from './table-cells.ts';
import { isOrdered } from './rule-types.ts';

export type TableAnalysis = {
  /** Rows, by index, that the rows before them leave nothing of; under the hit policy "first" they never decide. */
  readonly unreachable: readonly number[];
  /** Pairs of rows that can hold together. */
  readonly overlaps: readonly (readonly [number, number])[];
  /** Cases that no row covers, in words; empty when the table is complete. */
  readonly gaps: readonly string[];
  /** False when the table is too ragged to be looked through; the rest is then empty. */
  readonly isComplete: boolean;
};

/** One piece of a column's values that no cell divides further. */
type Piece = { readonly says: string; readonly isIn: (cell: Cell) => boolean };

/** A set of pieces per column, as bits. */
type Box = readonly bigint[];

const boxesMax = 5_000;
const overlapsMax = 100;
const gapsMax = 20;

/** The table must have passed the type checker. */
export function analyseTable(table: TableDecision<unknown>, fields: readonly Field[]): TableAnalysis {
  const pieces = fields.map((field, column) =>
    piecesOf(
      field,
      table.rows.flatMap(({ cells }) => cells[column] ?? []),
    ),
  );
  const rows = table.rows.map(({ cells }): Box =>
    pieces.map((ofColumn, column) => bitsOf(ofColumn, cells[column] ?? { is: 'any' })),
  );
  const overlaps = rows.flatMap((row, index) =>
    rows
      .slice(index + 1)
      .flatMap((other, offset) => (meets(row, other) ? [[index, index + 1 + offset] as const] : [])),
  );
  const unreachable: number[] = [];
  let rest: readonly Box[] = [pieces.map((ofColumn) => (1n << BigInt(ofColumn.length)) - 1n)];
  for (const [index, row] of rows.entries()) {
    if (!rest.some((box) => meets(box, row))) unreachable.push(index);
    rest = rest.flatMap((box) => without(box, row));
    if (rest.length > boxesMax) return { unreachable: [], overlaps: [], gaps: [], isComplete: false };
  }
  return {
    unreachable,
    overlaps: overlaps.slice(0, overlapsMax),
    gaps: rest.slice(0, gapsMax).map((box) => describe(box, fields, pieces)),
    isComplete: true,
  };
}

const meets = (left: Box, right: Box): boolean =>
  left.every((bits, column) => (bits & (right[column] ?? 0n)) !== 0n);

/** What is left of a box outside another one, as boxes that do not overlap. */
function without(box: Box, taken: Box): readonly Box[] {
  if (!meets(box, taken)) return [box];
  return box.flatMap((bits, column) => {
    const outside = bits & ~(taken[column] ?? 0n);
    if (outside === 0n) return [];
    return [
      box.map((own, each) => (each < column ? own & (taken[each] ?? 0n) : each === column ? outside : own)),
    ];
  });
}

const bitsOf = (pieces: readonly Piece[], cell: Cell): bigint =>
  pieces.reduce((bits, { isIn }, index) => (isIn(cell) ? bits | (1n << BigInt(index)) : bits), 0n);

function piecesOf(field: Field, cells: readonly Cell[]): readonly Piece[] {
  const present = isOrdered(field.type) ? intervalsOf(field, cells) : wordsOf(field, cells);
  if (field.absence === undefined) return present;
  const absent: Piece = { says: 'not known', isIn: ({ is }) => is === 'any' || is === 'absent' };
  return [...present, absent];
}

/** Every word that a cell names, and one piece for all others, unless the type has no others. */
function wordsOf({ type }: Field, cells: readonly Cell[]): readonly Piece[] {
  const closed = type.kind === 'enum' ? type.values : type.kind === 'boolean' ? ['true', 'false'] : null;
  const named = closed ?? [...new Set(cells.flatMap((cell) => ('values' in cell ? cell.values : [])))];
  const piece = (says: string, word: string | null): Piece => ({
    says,
    isIn: (cell) => {
      if (cell.is === 'in') return word !== null && cell.values.includes(word);
      if (cell.is === 'notIn') return word === null || !cell.values.includes(word);
      return cell.is === 'any' || cell.is === 'present';
    },
  });
  return [
    ...named.map((word) => piece(word, word)),
    ...(closed === null ? [piece('anything else', null)] : []),
  ];
}

/** The stretches between all bounds that cells name. A single number is a stretch of its own. */
function intervalsOf(field: Field, cells: readonly Cell[]): readonly Piece[] {
  const bounds = new Set<bigint>();
  for (const cell of cells) {
    if (cell.is === 'range')
      for (const text of [cell.min, cell.max]) if (text !== undefined) bounds.add(unitsOf(field, text));
    if ('values' in cell)
      for (const text of cell.values) bounds.add(unitsOf(field, text)).add(unitsOf(field, text) + 1n);
  }
  const cuts = [...bounds].toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0));
  return [null, ...cuts].map((from, index) => {
    const before = cuts[index] ?? null;
    return {
      says: stretchText(field, from, before),
      isIn: (cell) => {
        if (cell.is === 'range') {
          const min = cell.min === undefined ? null : unitsOf(field, cell.min);
          const max = cell.max === undefined ? null : unitsOf(field, cell.max);
          return (
            (min === null || (from !== null && from >= min)) &&
            (max === null || (before !== null && before <= max))
          );
        }
        const isNamed =
          'values' in cell &&
          cell.values.some((text) => from === unitsOf(field, text) && before === from + 1n);
        if (cell.is === 'in') return isNamed;
        if (cell.is === 'notIn') return !isNamed;
        return cell.is === 'any' || cell.is === 'present';
      },
    };
  });
}

/** Units of a bound, at the places of the column. */
function unitsOf(field: Field, text: string): bigint {
  const constant = cellConstant(field, text);
  const read = typeof constant === 'string' ? constant : readConstant(constant);
  if (typeof read === 'string' || read.node !== 'constant' || typeof read.value !== 'bigint')
    throw new Error(`Invariant broken: the cell "${text}" passed the type checker`);
  const { type } = field;
  return type.kind === 'decimal' && read.type.kind === 'decimal'
    ? read.value * 10n ** BigInt(type.scale - read.type.scale)
    : read.value;
}

function stretchText({ type }: Field, from: bigint | null, before: bigint | null): string {
  if (from !== null && before === from + 1n) return valueText(from, type);
  const parts = [
    from === null ? null : `from ${valueText(from, type)}`,
    before === null ? null : `below ${valueText(before, type)}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? 'any value' : parts.join(' ');
}

function describe(box: Box, fields: readonly Field[], pieces: readonly (readonly Piece[])[]): string {
  const parts = fields.flatMap((field, column) => {
    const ofColumn = pieces[column] ?? [];
    const held = ofColumn.filter((_, index) => ((box[column] ?? 0n) & (1n << BigInt(index))) !== 0n);
    return held.length === ofColumn.length
      ? []
      : [`${field.label} is ${held.map(({ says }) => says).join(' or ')}`];
  });
  return parts.length === 0 ? 'every case' : parts.join(', and ');
}
