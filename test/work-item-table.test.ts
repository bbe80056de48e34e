/** Every kind of work item, and of break, is told to the people who find one, with how it closes. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { breakKinds } from '#domain/payments/settlement.ts';
import { closingRuleOf, workItemKinds } from '#domain/payments/work-items.ts';

const page = (path: string): string =>
  `\n${readFileSync(new URL(`../docs/${path}`, import.meta.url), 'utf8')}`;

/** The cells of each row of the tables below a heading. */
function rowsBelow(text: string, heading: string): readonly (readonly string[])[] {
  const below = text.split(`\n${heading}\n`)[1]?.split(/\n##? /)[0] ?? '';
  return below
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '));
}

test('the page of payments has a row for each kind of work item, in their order, with what closes it and who may', () => {
  const rows = rowsBelow(page('modules/payments.md'), '## Work items');
  const told = rows.map(([kind = '', , , closedBy = '']) => ({ kind: kind.replaceAll('`', ''), closedBy }));
  expect(told).toEqual(
    workItemKinds.map((kind) => {
      const { by, isMoney } = closingRuleOf(kind);
      return { kind, closedBy: `${by}, ${isMoney ? 'decide' : 'work'}` };
    }),
  );
  for (const [, means = '', next = ''] of rows)
    expect(Math.min(means.length, next.length)).toBeGreaterThan(10);
});

test('the runbook of breaks names each kind of break', () => {
  const rows = rowsBelow(page('runbooks/reconciliation-breaks.md'), '# Reconciliation breaks');
  const told = rows.flatMap(([kinds = '']) => [...kinds.matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind));
  for (const kind of breakKinds) expect(told).toContain(kind);
});

test('a link of these tables to a part of a page leads to a heading', () => {
  const cells = rowsBelow(page('modules/payments.md'), '## Work items').flat().join(' ');
  for (const [, path = '', anchor] of cells.matchAll(/\]\((?:\.\.\/)?([\w/.-]*)(?:#([\w-]+))?\)/g)) {
    const headings = [...page(path === '' ? 'modules/payments.md' : path).matchAll(/^#+ (.+)$/gm)].map(
      ([, text = '']) =>
        text
          .toLowerCase()
          .replaceAll(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
    );
    if (anchor !== undefined) expect(headings, path).toContain(anchor);
  }
});
