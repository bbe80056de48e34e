/** A sentence tells one rule: people approve by it, so two rules that read alike must answer alike. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ruleSetNames, ruleSets } from '#domain/backoffice/rule-sets.ts';
import { limitCatalogue } from '#domain/payments/eligibility-fields.ts';
import type { RuleNode, RuleOperation } from '#domain/rules/ast.schema.ts';
import { checkCondition, type CheckedRule } from '#domain/rules/check.ts';
import { compileCondition } from '#domain/rules/closure.ts';
import { sentenceOf } from '#domain/rules/sentence.ts';
import { randomCatalogue, randomCondition, randomRow } from './support/random-rules.ts';

const seed = Date.now() % 2 ** 31;
const rows = fc.sample(randomRow, { seed, numRuns: 80 });

const call = (operator: RuleOperation['operator'], ...given: RuleNode[]): RuleOperation => ({
  node: 'operation',
  operator,
  arguments: given,
});
const field = (name: string): RuleNode => ({ node: 'variable', name });
const text = (value: string): RuleNode => ({ node: 'constant', type: 'string', value });

/** The same words in another nesting: f(g(a), b) as g(f(a, b)), f(a, g(b)) and so on. */
function regrouped(node: RuleNode): readonly RuleNode[] {
  if (node.node !== 'operation') return [];
  const inside = node.arguments.flatMap((child, at) =>
    regrouped(child).map((other) => ({ ...node, arguments: node.arguments.with(at, other) })),
  );
  const turned = node.arguments.flatMap((child, at) =>
    child.node !== 'operation'
      ? []
      : child.arguments.map((grandchild, inner) => ({
          ...child,
          arguments: child.arguments.with(inner, { ...node, arguments: node.arguments.with(at, grandchild) }),
        })),
  );
  return [...inside, ...turned];
}

const checked = (tree: RuleNode): CheckedRule | null => {
  const rule = checkCondition(tree, randomCatalogue);
  return rule.ok ? rule.value : null;
};

/** Small enough to be compared with all others: a digit per row. */
const answersOf = (rule: CheckedRule): string => {
  const holds = compileCondition(rule);
  return rows.map((row) => (holds(row) ? '1' : '0')).join('');
};

function mustNotCollide(trees: readonly RuleNode[]): number {
  const bySentence = new Map<string, { readonly answers: string; readonly tree: RuleNode }>();
  let compared = 0;
  for (const tree of trees) {
    const rule = checked(tree);
    if (rule === null) continue;
    const [sentence, answers] = [sentenceOf(rule), answersOf(rule)];
    const known = bySentence.get(sentence);
    compared += 1;
    if (known === undefined) bySentence.set(sentence, { answers, tree });
    else
      expect(
        answers,
        `seed ${seed}: "${sentence}" is\n${JSON.stringify(known.tree)}\nand\n${JSON.stringify(tree)}`,
      ).toBe(known.answers);
  }
  return compared;
}

test('random rules, and the same words nested otherwise, collide in no sentence', () => {
  const trees = fc.sample(
    fc.integer({ min: 1, max: 3 }).chain((depth) => randomCondition(depth)),
    { seed, numRuns: 1_500 },
  );
  const compared = mustNotCollide(trees.flatMap((tree) => [tree, ...regrouped(tree)]));
  expect(compared).toBeGreaterThan(1_500);
}, 120_000);

test('all small rules over two fields that are true or false collide in no sentence', () => {
  let trees: RuleNode[] = [field('b1'), field('b2')];
  const unary = ['not', 'isPresent', 'isAbsent'] as const;
  const binary = ['and', 'or', 'equal', 'notEqual'] as const;
  for (let depth = 0; depth < 2; depth += 1) {
    const known = trees.slice(0, 60);
    trees = [
      ...known,
      ...known.flatMap((one) => unary.map((operator) => call(operator, one))),
      ...known.flatMap((one) =>
        known.flatMap((other) => binary.map((operator) => call(operator, one, other))),
      ),
    ];
  }
  expect(mustNotCollide(trees)).toBeGreaterThan(2_000);
});

test('what read alike before is told apart', () => {
  const says = (tree: RuleNode): string => {
    const rule = checkCondition(tree, randomCatalogue);
    if (!rule.ok) throw new Error(rule.failure.detail);
    return sentenceOf(rule.value);
  };
  // Thirteen of a list, of which the last was "1 more".
  const list = (last: string): RuleNode => ({
    node: 'constant',
    type: 'list',
    of: 'string',
    values: [...'abcdefghijkl', last],
  });
  expect(says(call('in', field('s1'), list('m')))).not.toBe(says(call('in', field('s1'), list('n'))));
  // A text that ends itself.
  expect(
    says(call('in', field('s1'), { node: 'constant', type: 'list', of: 'string', values: ['a", "b'] })),
  ).not.toBe(
    says(call('in', field('s1'), { node: 'constant', type: 'list', of: 'string', values: ['a', 'b'] })),
  );
  expect(says(call('equal', field('s1'), text('a" and s2 is "b')))).not.toBe(
    says(call('and', call('equal', field('s1'), text('a')), call('equal', field('s2'), text('b')))),
  );
  expect(says(call('isPresent', call('not', field('b1'))))).toBe('(it is not so that b1) is known');
  expect(says(call('not', call('isPresent', field('b1'))))).toBe('it is not so that b1 is known');
});

test('no two fields of a shipped catalogue have one label, and no word of a list reads as an answer', () => {
  for (const catalogue of [...ruleSetNames.map((name) => ruleSets[name].catalogue), limitCatalogue]) {
    const fields = [...catalogue.fields.values()];
    expect(new Set(fields.map(({ label }) => label)).size, catalogue.name).toBe(fields.length);
    const words = fields.flatMap(({ type }) => (type.kind === 'enum' ? type.values : []));
    expect(words.filter((word) => /^(known|not known|true|false)$/.test(word))).toEqual([]);
  }
});
