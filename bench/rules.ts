/** How many rules of five conditions the closures evaluate in a second of processor time, and what the anchor does. */
import { checkCondition } from '#domain/rules/check.ts';
import { compileCondition } from '#domain/rules/closure.ts';
import { defineCatalogue } from '#domain/rules/catalogue.ts';
import type { RuleNode } from '#domain/rules/ast.schema.ts';
import type { Facts, RuleValue } from '#domain/rules/rule-types.ts';
import { orThrow } from '#domain/failures.ts';
import type { Bench } from './bench-platform.ts';

const wantedPerS = 5_000_000;
const contexts = 1_000;
const roundsPerMeasure = 1_000;
const measures = 5;

const catalogue = defineCatalogue('bench', [
  {
    name: 'amount.EUR',
    type: { kind: 'money', asset: 'EUR' },
    label: 'the amount',
    source: 'request',
    absence: 'paid in another currency',
  },
  { name: 'country', type: { kind: 'country' }, label: 'the country', source: 'row' },
  { name: 'accountAge', type: { kind: 'duration' }, label: 'the age of the account', source: 'row' },
  {
    name: 'tier',
    type: { kind: 'enum', values: ['bronze', 'silver', 'gold'] },
    label: 'the tier',
    source: 'row',
  },
  {
    name: 'approvalBps',
    type: { kind: 'integer' },
    label: 'the approval rate',
    source: 'aggregate',
    absence: 'no attempts yet',
  },
]);

const variable = (name: string): RuleNode => ({ node: 'variable', name });

/** The shape of a routing rule: money, a list, a duration, a word and a rate, joined by "and". */
const fiveConditions: RuleNode = {
  node: 'operation',
  operator: 'and',
  arguments: [
    {
      node: 'operation',
      operator: 'greaterOrEqual',
      arguments: [variable('amount.EUR'), { node: 'constant', type: 'money', value: '20.00', asset: 'EUR' }],
    },
    {
      node: 'operation',
      operator: 'in',
      arguments: [
        variable('country'),
        { node: 'constant', type: 'list', of: 'country', values: ['SE', 'NO', 'DE', 'FI', 'DK'] },
      ],
    },
    {
      node: 'operation',
      operator: 'greater',
      arguments: [variable('accountAge'), { node: 'constant', type: 'duration', value: 'P7D' }],
    },
    {
      node: 'operation',
      operator: 'notEqual',
      arguments: [variable('tier'), { node: 'constant', type: 'enum', value: 'bronze' }],
    },
    {
      node: 'operation',
      operator: 'less',
      arguments: [variable('approvalBps'), { node: 'constant', type: 'integer', value: '9000' }],
    },
  ],
};

/** `isAlike`: every condition of every context holds, so that nothing is skipped: the dearest case. */
function makeContexts(isAlike: boolean): readonly Facts[] {
  const countries = ['SE', 'NO', 'DE', 'FI', 'DK', 'BR', 'GB'];
  const tiers = ['silver', 'gold', 'bronze'];
  return Array.from({ length: contexts }, (_, index) => {
    const n = BigInt(index);
    const values: readonly (readonly [string, RuleValue])[] = [
      ['amount.EUR', isAlike || index % 10 > 0 ? (20n + (n % 300n)) * 10n ** 12n : null],
      ['country', countries[index % (isAlike ? 5 : 7)] ?? 'SE'],
      ['accountAge', (8n + (n % 90n)) * 86_400_000_000n],
      ['tier', tiers[index % (isAlike ? 2 : 3)] ?? 'gold'],
      ['approvalBps', isAlike || index % 4 > 0 ? 5_000n + (n % 3_999n) : null],
    ];
    return new Map(values);
  });
}

type Measured = { readonly perCpuS: number; readonly hits: number };

/** The median of several measures, by processor time of this process, which other work on the machine does not use up. */
function measure(evaluate: (facts: Facts) => boolean, facts: readonly Facts[]): Measured {
  const figures: number[] = [];
  let hits = 0;
  for (let run = 0; run < measures; run += 1) {
    hits = 0;
    const before = process.cpuUsage();
    for (let round = 0; round < roundsPerMeasure; round += 1)
      for (const each of facts) if (evaluate(each)) hits += 1;
    const { user, system } = process.cpuUsage(before);
    figures.push((roundsPerMeasure * facts.length) / ((user + system) / 1e6));
  }
  return {
    perCpuS: figures.toSorted((a, b) => a - b)[Math.floor(measures / 2)] ?? 0,
    hits: hits / roundsPerMeasure,
  };
}

const low = 20n * 10n ** 12n;
const week = 7n * 86_400_000_000n;

/** The same rule written by hand, without any structure: what the closures are compared with. */
const handWritten = (facts: Facts): boolean => {
  const amount = facts.get('amount.EUR') ?? null;
  const country = facts.get('country') ?? null;
  const age = facts.get('accountAge') ?? null;
  const tier = facts.get('tier') ?? null;
  const rate = facts.get('approvalBps') ?? null;
  return (
    typeof amount === 'bigint' &&
    amount >= low &&
    (country === 'SE' || country === 'NO' || country === 'DE' || country === 'FI' || country === 'DK') &&
    typeof age === 'bigint' &&
    age > week &&
    tier !== null &&
    tier !== 'bronze' &&
    typeof rate === 'bigint' &&
    rate < 9_000n
  );
};

/** Other rules of other shapes: a process has many, and the engine's compiler must not be tuned to one. */
const otherRules: readonly RuleNode[] = [
  { node: 'operation', operator: 'not', arguments: [fiveConditions] },
  {
    node: 'operation',
    operator: 'or',
    arguments: [
      { node: 'operation', operator: 'isAbsent', arguments: [variable('approvalBps')] },
      {
        node: 'operation',
        operator: 'greater',
        arguments: [variable('approvalBps'), { node: 'constant', type: 'integer', value: '8000' }],
      },
      {
        node: 'operation',
        operator: 'equal',
        arguments: [variable('country'), { node: 'constant', type: 'country', value: 'BR' }],
      },
    ],
  },
];

const inMillions = (perS: number): string => `${(perS / 1e6).toFixed(1)} million`;

export const rules: Bench = {
  summary: 'evaluations of a rule with five conditions per second of processor time',
  run: async () => {
    const compiled = compileCondition(orThrow(checkCondition(fiveConditions, catalogue)));
    const mixed = makeContexts(false);
    const alike = makeContexts(true);
    const others = otherRules.map((tree) => compileCondition(orThrow(checkCondition(tree, catalogue))));
    // Everything is warmed up before anything is measured: closures that have seen one shape only would be flattered.
    for (const facts of [mixed, alike])
      for (const holds of [compiled, ...others, handWritten]) measure(holds, facts);
    const all = measure(compiled, alike);
    const some = measure(compiled, mixed);
    const anchor = measure(handWritten, alike);
    const first = process.cpuUsage();
    for (let count = 0; count < 1_000; count += 1)
      compileCondition(orThrow(checkCondition(fiveConditions, catalogue)));
    const { user, system } = process.cpuUsage(first);
    return [
      `All five conditions hold (${all.hits} of ${contexts} contexts): ${inMillions(all.perCpuS)} evaluations per CPU-second`,
      `Mixed contexts with absent values (${some.hits} of ${contexts} hold): ${inMillions(some.perCpuS)}`,
      `The same rule written by hand: ${inMillions(anchor.perCpuS)}; the closures reach ${(all.perCpuS / anchor.perCpuS).toFixed(2)} of it`,
      `Checking and compiling it once: ${((user + system) / 1_000).toFixed(0)} microseconds`,
      `Ratio to the wanted ${inMillions(wantedPerS)}: ${(all.perCpuS / wantedPerS).toFixed(2)} (wanted: at least 1)`,
    ];
  },
};
