/** Every kind of result that a feed may send has one stated outcome, in whatever order messages arrive. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { abandoned, sameOutcomes, type LegOutcome, type MarketOutcomes } from './leg-outcome.ts';
import { judgeResult, type KnownResult } from './market-result.ts';

const ids = ['home', 'away'];
const outcomes = (home: LegOutcome['result'], away: LegOutcome['result']): MarketOutcomes =>
  ({ home: { result: home }, away: { result: away } }) as MarketOutcomes;
const homeWins = outcomes('won', 'lost');
const awayWins = outcomes('lost', 'won');
const known = (sequence: bigint, said = homeWins, version = 1): KnownResult => ({
  version,
  sequence,
  outcomes: said,
});

describe('a result', () => {
  test.each([
    [
      'of a market that nobody knows',
      null,
      { sequence: 1n, outcomes: homeWins },
      { kind: 'park', reason: 'unknown-market' },
    ],
    [
      'that names a stranger',
      { selectionIds: ids, known: null },
      { sequence: 1n, outcomes: { ...homeWins, ghost: { result: 'lost' as const } } },
      { kind: 'park', reason: 'unknown-selection' },
    ],
    [
      'that leaves a selection out',
      { selectionIds: ids, known: null },
      { sequence: 1n, outcomes: { home: { result: 'won' as const } } },
      { kind: 'park', reason: 'incomplete-result' },
    ],
    [
      'that is the first',
      { selectionIds: ids, known: null },
      { sequence: 1n, outcomes: homeWins },
      { kind: 'accept', version: 1 },
    ],
    [
      'that comes again',
      { selectionIds: ids, known: known(5n) },
      { sequence: 5n, outcomes: homeWins },
      { kind: 'no-effect', confirms: false },
    ],
    [
      'that is said again later',
      { selectionIds: ids, known: known(5n) },
      { sequence: 6n, outcomes: homeWins },
      { kind: 'no-effect', confirms: true },
    ],
    [
      'that corrects',
      { selectionIds: ids, known: known(5n) },
      { sequence: 6n, outcomes: awayWins },
      { kind: 'accept', version: 2 },
    ],
    [
      'that comes after the market was abandoned',
      { selectionIds: ids, known: known(5n, abandoned(ids)) },
      { sequence: 6n, outcomes: homeWins },
      { kind: 'accept', version: 2 },
    ],
    [
      'that contradicts a later one',
      { selectionIds: ids, known: known(5n) },
      { sequence: 4n, outcomes: awayWins },
      { kind: 'park', reason: 'contradicts-later-result' },
    ],
    [
      'that contradicts one of the same number',
      { selectionIds: ids, known: known(5n) },
      { sequence: 5n, outcomes: awayWins },
      { kind: 'park', reason: 'contradicts-later-result' },
    ],
  ] as const)('%s', (_name, market, incoming, judgement) => {
    expect(judgeResult(market, incoming)).toEqual(judgement);
  });

  test('with the highest number is in force at the end, whatever the order of arrival', () => {
    const message = fc.record({
      sequence: fc.bigInt({ min: 1n, max: 40n }),
      outcomes: fc.constantFrom(homeWins, awayWins, abandoned(ids)),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(message, { selector: ({ sequence }) => sequence, minLength: 1 }),
        (messages) => {
          let force: KnownResult | null = null;
          for (const incoming of messages) {
            const judgement = judgeResult({ selectionIds: ids, known: force }, incoming);
            if (judgement.kind === 'accept') force = { ...incoming, version: judgement.version };
            if (judgement.kind === 'no-effect' && judgement.confirms && force !== null)
              force = { ...force, sequence: incoming.sequence };
          }
          const last = messages.toSorted((left, right) => Number(right.sequence - left.sequence))[0];
          expect(force?.sequence).toBe(last?.sequence);
          expect(sameOutcomes(force?.outcomes ?? {}, last?.outcomes ?? {})).toBe(true);
        },
      ),
    );
  });
});
