/** Decisions that were stored before a field was there: a rule over it finds nothing, and says so. */
import { expect, test } from 'vitest';
import { readRouting } from '../backoffice/rule-sets.ts';
import { orThrow } from '../failures.ts';
import { fromStoredFacts, toStoredFacts } from '../rules/facts.ts';
import { routeDeposit } from './routing.ts';
import { routingCatalogue } from './routing-fields.ts';

const order = (...psps: string[]) => ({ split: [{ shareBps: 10_000, psps }] });
const variable = (name: string) => ({ node: 'variable', name });
const operation = (operator: string, ...list: unknown[]) => ({
  node: 'operation',
  operator,
  arguments: list,
});

const cheapest = orThrow(
  readRouting({
    form: 'rules',
    hitPolicy: 'first',
    rules: [
      {
        name: 'old',
        condition: operation('isAbsent', variable('ip.country')),
        outcome: order('gamma'),
      },
      {
        name: 'cheaper',
        condition: operation('less', variable('psp.beta.costBps'), variable('psp.alpha.costBps')),
        outcome: order('beta', 'alpha'),
      },
    ],
    otherwise: order('alpha', 'beta'),
  }),
);

test('facts of an older decision are read, with the new ones absent', () => {
  const facts = orThrow(fromStoredFacts(routingCatalogue, { brand: 'aurora', method: 'card' }));
  expect(routeDeposit(cheapest, facts, 'one').psps).toEqual(['gamma']);
});

test('costs of two PSPs can be compared, and one without a term is not the cheaper', () => {
  const known = new Map<string, string | bigint>([
    ['ip.country', 'MT'],
    ['psp.alpha.costBps', 190n],
    ['psp.beta.costBps', 189n],
  ]);
  const again = orThrow(fromStoredFacts(routingCatalogue, toStoredFacts(routingCatalogue, known)));
  expect(routeDeposit(cheapest, again, 'one').psps).toEqual(['beta', 'alpha']);
  known.delete('psp.beta.costBps');
  expect(routeDeposit(cheapest, known, 'one').psps).toEqual(['alpha', 'beta']);
});
