import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { orThrow } from '../failures.ts';
import { defineCatalogue } from './catalogue.ts';
import { compileDecision, decide, explainTrace } from './decide.ts';
import { decisionSchema, type Cell, type TableDecision } from './decision.schema.ts';
import { fromStoredFacts, toStoredFacts } from './facts.ts';
import type { Facts, RuleValue } from './rule-types.ts';

const catalogue = defineCatalogue(
  'test',
  [
    {
      name: 'amount',
      type: { kind: 'money', asset: 'EUR' },
      label: 'the amount',
      source: 'request',
      absence: 'paid in another currency',
    },
    { name: 'country', type: { kind: 'country' }, label: 'the country', source: 'row' },
    {
      name: 'tier',
      type: { kind: 'enum', values: ['bronze', 'gold'] },
      label: 'the tier',
      source: 'row',
      absence: 'not rated',
    },
    { name: 'isNew', type: { kind: 'boolean' }, label: 'the player is new', source: 'row' },
    { name: 'count', type: { kind: 'integer' }, label: 'the number of deposits', source: 'aggregate' },
  ],
  { costMax: 2_000 },
);
const euro = 10n ** 12n;
const any: Cell = { is: 'any' };

const table = (
  rows: TableDecision<string>['rows'],
  more: Partial<TableDecision<string>> = {},
): TableDecision<string> => ({
  form: 'table',
  hitPolicy: 'first',
  columns: ['amount', 'country', 'tier', 'isNew', 'count'],
  rows,
  otherwise: null,
  ...more,
});

const routes = table([
  {
    name: 'high rollers',
    cells: [{ is: 'range', min: '500' }, any, { is: 'in', values: ['gold'] }, any, any],
    outcome: 'A',
  },
  { name: 'nordic', cells: [any, { is: 'in', values: ['SE', 'NO'] }, any, any, any], outcome: 'B' },
  {
    name: 'unrated and new',
    cells: [any, any, { is: 'absent' }, { is: 'in', values: ['true'] }, { is: 'range', max: '3' }],
    outcome: 'C',
  },
]);

const facts = (values: Readonly<Record<string, RuleValue>>): Facts => new Map(Object.entries(values));
const base = { amount: 20n * euro, country: 'DE', tier: 'gold', isNew: false, count: 9n };

describe('a decision table', () => {
  const compiled = orThrow(compileDecision(routes, catalogue));

  test('answers with the first row that holds and says what it looked at', () => {
    const decided = decide(compiled, facts({ ...base, country: 'SE' }));
    expect(decided).toEqual({
      outcomes: ['B'],
      rows: ['nordic'],
      trace: [
        { row: 'high rollers', holds: false, conditions: '01' },
        { row: 'nordic', holds: true, conditions: '1' },
      ],
    });
    expect(explainTrace(compiled, decided.trace)[0]?.conditions).toEqual([
      { says: 'the amount is at least 500.00 EUR', holds: false },
      { says: 'the tier is one of gold', holds: true },
    ]);
    expect(decide(compiled, facts({ ...base, tier: null, isNew: true, count: 2n })).outcomes).toEqual(['C']);
    expect(decide(compiled, facts(base)).outcomes).toEqual([]);
    expect(compiled.rows.map(({ sentence }) => sentence)[2]).toBe(
      'if the tier is not known, and the player is new is true, and the number of deposits is less than 3',
    );
  });

  test('collects all rows that hold when told to, and falls back to its default', () => {
    const collecting = orThrow(
      compileDecision({ ...routes, hitPolicy: 'collect', otherwise: 'Z' }, catalogue),
    );
    const rich = facts({ ...base, amount: 600n * euro, country: 'NO' });
    expect(decide(collecting, rich).rows).toEqual(['high rollers', 'nordic']);
    expect(decide(collecting, facts(base))).toMatchObject({ outcomes: ['Z'], rows: [] });
  });

  test('is refused with a pointer to what is wrong in it', () => {
    const wrong = (cell: Cell, column = 0) => {
      const cells = [any, any, any, any, any].map((one, index) => (index === column ? cell : one));
      const result = compileDecision(table([{ name: 'x', cells, outcome: 'A' }]), catalogue);
      return result.ok ? null : result.failure.fields?.[0];
    };
    expect(wrong({ is: 'in', values: ['500'] })).toEqual({
      pointer: '/rows/0/cells/0',
      detail: 'A money is compared by a range.',
    });
    expect(wrong({ is: 'range', min: 'many' }, 4)).toMatchObject({ detail: '"many" is no integer.' });
    expect(wrong({ is: 'in', values: ['maybe'] }, 3)).toMatchObject({ pointer: '/rows/0/cells/3' });
    expect(wrong({ is: 'in', values: ['silver'] }, 2)).toMatchObject({
      detail: 'in silver is not one of bronze, gold.',
    });
    expect(compileDecision(table([], { columns: ['nobody'] }), catalogue)).toMatchObject({ ok: false });
    const twice = { name: 'x', cells: [any, any, any, any, any], outcome: 'A' };
    expect(compileDecision(table([twice, twice]), catalogue)).toMatchObject({
      ok: false,
      failure: { detail: 'The name x is there twice.' },
    });
  });

  test('shows rows that never decide, rows that overlap and cases that nobody thought of', () => {
    const hidden = {
      name: 'hidden',
      cells: [
        { is: 'range', min: '600', max: '700' },
        any,
        { is: 'in', values: ['gold'] },
        any,
        any,
      ] as Cell[],
      outcome: 'D',
    };
    const { analysis, warnings } = orThrow(compileDecision(table([...routes.rows, hidden]), catalogue));
    expect(analysis?.unreachable).toEqual([3]);
    expect(analysis?.overlaps).toContainEqual([0, 1]);
    expect(analysis?.gaps.length).toBeGreaterThan(0);
    expect(warnings[0]).toMatchObject({ pointer: '/rows/3' });
    const whole = orThrow(
      compileDecision(
        table(
          [
            { name: 'low', cells: [{ is: 'range', max: '10' }], outcome: 'A' },
            { name: 'high', cells: [{ is: 'range', min: '10' }], outcome: 'B' },
            { name: 'none', cells: [{ is: 'absent' }], outcome: 'C' },
          ],
          { columns: ['amount'] },
        ),
        catalogue,
      ),
    );
    expect(whole.analysis).toEqual({ unreachable: [], overlaps: [], gaps: [], isComplete: true });
    expect(whole.warnings).toEqual([]);
  });
});

const boundOf = fc.integer({ min: 0, max: 4 }).map(String);
const range = fc.oneof(
  boundOf.map((min): Cell => ({ is: 'range', min })),
  boundOf.map((max): Cell => ({ is: 'range', max })),
  fc.tuple(boundOf, boundOf).map(([min, max]): Cell => ({ is: 'range', min, max })),
);
const words = (...of: string[]) =>
  fc
    .tuple(fc.constantFrom('in', 'notIn'), fc.subarray(of, { minLength: 1 }))
    .map(([is, values]): Cell => ({ is, values }));
const presence = fc.constantFrom<Cell>({ is: 'present' }, { is: 'absent' });
const orAny = (...cells: fc.Arbitrary<Cell>[]) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(any) },
    ...cells.map((arbitrary) => ({ weight: 1, arbitrary })),
  );
const randomCells = fc.tuple(
  orAny(range, presence),
  orAny(words('SE', 'NO')),
  orAny(words('bronze', 'gold'), presence),
  orAny(fc.constantFrom<Cell>({ is: 'in', values: ['true'] }, { is: 'notIn', values: ['true'] })),
  orAny(range, words('1', '2')),
);

/** Every case that the cells above can tell apart. */
const everyCase: readonly Facts[] = [null, -1n, 0n, 1n, 2n, 3n, 4n].flatMap((amount) =>
  ['SE', 'NO', 'DE'].flatMap((country) =>
    ['bronze', 'gold', null].flatMap((tier) =>
      [true, false].flatMap((isNew) =>
        [-1n, 0n, 1n, 2n, 3n, 4n].map((count) =>
          facts({ amount: amount === null ? null : amount * euro, country, tier, isNew, count }),
        ),
      ),
    ),
  ),
);

test('what the analysis says of a table is what asking the table in every case shows', () => {
  fc.assert(
    fc.property(fc.array(randomCells, { minLength: 1, maxLength: 6 }), (rows) => {
      const random = table(
        rows.map((cells, index) => ({ name: `row ${index}`, cells, outcome: `${index}` })),
      );
      const first = orThrow(compileDecision(random, catalogue));
      const every = orThrow(compileDecision({ ...random, hitPolicy: 'collect' }, catalogue));
      const deciding = new Set(everyCase.flatMap((one) => decide(first, one).outcomes));
      const together = new Set<string>();
      for (const one of everyCase) {
        const { outcomes } = decide(every, one);
        for (const left of outcomes)
          for (const right of outcomes) if (left < right) together.add(`${left} ${right}`);
      }
      const isGap = everyCase.some((one) => decide(first, one).outcomes.length === 0);
      expect(first.analysis?.unreachable.map(String)).toEqual(
        rows.map((_, index) => `${index}`).filter((index) => !deciding.has(index)),
      );
      expect(new Set(first.analysis?.overlaps.map((pair) => pair.join(' ')))).toEqual(together);
      expect((first.analysis?.gaps.length ?? 0) > 0).toBe(isGap);
    }),
    { numRuns: 150 },
  );
});

test('ordered rules decide like a table, and take only what their schema takes', () => {
  const schema = decisionSchema(z.enum(['A', 'B']));
  const decision = schema.parse({
    form: 'rules',
    hitPolicy: 'first',
    rules: [{ name: 'new', condition: { node: 'variable', name: 'isNew' }, outcome: 'A' }],
    otherwise: 'B',
  });
  const compiled = orThrow(compileDecision(decision, catalogue));
  expect(decide(compiled, facts({ isNew: true })).outcomes).toEqual(['A']);
  expect(decide(compiled, facts({})).outcomes).toEqual(['B']);
  expect(schema.safeParse({ ...decision, otherwise: 'C' }).success).toBe(false);
  expect(schema.safeParse({ ...decision, more: 1 }).success).toBe(false);
});

test('facts come back from where they are stored', () => {
  const known = facts({ ...base, tier: null });
  const stored = toStoredFacts(catalogue, known);
  expect(stored).toEqual({ amount: '20000000000000', country: 'DE', tier: null, isNew: false, count: '9' });
  expect(orThrow(fromStoredFacts(catalogue, { ...stored, gone: 'x' }))).toEqual(known);
  expect(fromStoredFacts(catalogue, { count: 'many' })).toMatchObject({
    ok: false,
    failure: { code: 'rule-invalid' },
  });
});
