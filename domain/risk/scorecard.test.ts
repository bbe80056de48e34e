import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readScorecard } from '../backoffice/rule-sets.ts';
import { orThrow } from '../failures.ts';
import type { Facts, RuleValue } from '../rules/rule-types.ts';
import { firstScorecard } from './first-scorecard.ts';
import { bandOf, scoreBy } from './scorecard.ts';
import { scorecardFields } from './scorecard-fields.ts';

const first = orThrow(readScorecard(firstScorecard));
const facts = (values: Record<string, RuleValue>): Facts =>
  new Map<string, RuleValue>([['player.accountAge', 400n * 86_400n * 1_000_000n], ...Object.entries(values)]);
const scored = (values: Record<string, RuleValue>) => {
  const { score, band, points } = scoreBy(first, facts(values));
  return [score, band, ...points.map(({ row }) => row)];
};

const valueOf = ({ type, absence }: (typeof scorecardFields)[number]): fc.Arbitrary<RuleValue> => {
  const present: fc.Arbitrary<RuleValue> =
    type.kind === 'boolean'
      ? fc.boolean()
      : type.kind === 'integer' || type.kind === 'duration'
        ? fc.bigInt({ min: 0n, max: 10n ** 13n })
        : type.kind === 'enum'
          ? fc.constantFrom(...type.values)
          : fc.constantFrom('MT', 'GB', 'EUR', 'card');
  return absence === undefined ? present : fc.oneof(present, fc.constant(null));
};
const anyFacts = fc
  .tuple(...scorecardFields.map(valueOf))
  .map((values) => new Map(scorecardFields.map(({ name }, index) => [name, values[index] ?? null])));

/** Rows on whatever fields, each with some points. */
const anyScorecard = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.constantFrom('history.chargebacks', 'linked.device', 'uses.ip1h', 'amount.usualBps'),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: -1_000, max: 1_000 }),
      ),
      { maxLength: 15 },
    ),
    fc.integer({ min: 0, max: 99 }),
    fc.integer({ min: 100, max: 500 }),
    fc.integer({ min: 501, max: 1_000 }),
  )
  .map(([rows, points, reviewFrom, refuseFrom]) => ({
    form: 'rules',
    hitPolicy: 'collect',
    rules: rows.map(([name, least, given], index) => ({
      name: `row ${index}`,
      condition: {
        node: 'operation',
        operator: 'greaterOrEqual',
        arguments: [
          { node: 'variable', name },
          { node: 'constant', type: 'integer', value: String(least) },
        ],
      },
      outcome: { points: given },
    })),
    otherwise: { points, reviewFrom, refuseFrom },
  }));

describe('a fraud score', () => {
  it('of an ordinary player is low, and soft signs alone do not reach a review', () => {
    expect(scored({})).toEqual([50, 'accept']);
    expect(scored({ 'player.deposits': 30n })).toEqual([0, 'accept', 'a known payer']);
    expect(
      scored({ 'mismatch.ip': true, 'mismatch.card': true, 'linked.device': 1n, 'player.accountAge': 1n })[1],
    ).toBe('accept');
  });

  it('rises with what is proven: a report is reviewed, a second one refused', () => {
    expect(scored({ 'history.fraudReports': 1n })).toEqual([500, 'review', 'a fraud report']);
    expect(scored({ 'history.fraudReports': 2n })).toEqual([
      850,
      'refuse',
      'a fraud report',
      'more fraud reports',
    ]);
    expect(scored({ 'history.chargebacks': 1n })[1]).toBe('accept');
    expect(scored({ 'history.chargebacks': 1n, 'linked.device': 1n })[1]).toBe('review');
    expect(
      scored({ 'declines.cards24h': 6n, 'declines.player24h': 8n, 'uses.ipDeclinedCards1h': 6n })[1],
    ).toBe('refuse');
  });

  it('is on its scale, is the sum of what held, and lies in the band that the version says', () => {
    fc.assert(
      fc.property(anyScorecard, anyFacts, (content, about) => {
        const scorecard = orThrow(readScorecard(content));
        const { score, band, points } = scoreBy(scorecard, about);
        const sum = points.reduce((total, one) => total + one.points, content.otherwise.points);
        expect(score).toBe(Math.min(1_000, Math.max(0, sum)));
        expect(band).toBe(bandOf(scorecard, score));
        expect(band).toBe(
          score >= content.otherwise.refuseFrom
            ? 'refuse'
            : score >= content.otherwise.reviewFrom
              ? 'review'
              : 'accept',
        );
        expect(scoreBy(scorecard, about)).toEqual({
          score,
          band,
          points,
          trace: scoreBy(scorecard, about).trace,
        });
      }),
    );
  });

  it('never falls by another sign of fraud: more of what is counted is never less suspect', () => {
    const signs = [
      'history.chargebacks',
      'history.fraudReports',
      'linked.device',
      'declines.cards24h',
    ] as const;
    fc.assert(
      fc.property(
        anyFacts,
        fc.constantFrom(...signs),
        fc.bigInt({ min: 0n, max: 50n }),
        (about, sign, more) => {
          const before = scoreBy(first, about).score;
          const worse = new Map(about).set(sign, BigInt(about.get(sign) as bigint) + more);
          expect(scoreBy(first, worse).score).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });

  it.each([
    ['adds up', { hitPolicy: 'first' }, '/hitPolicy'],
    ['has a default with bands', { otherwise: { points: 0 } }, '/otherwise'],
    [
      'starts below its review',
      { otherwise: { points: 500, reviewFrom: 500, refuseFrom: 800 } },
      '/otherwise/points',
    ],
    [
      'refuses above its review',
      { otherwise: { points: 0, reviewFrom: 800, refuseFrom: 800 } },
      '/otherwise/refuseFrom',
    ],
    ['has no default at all', { otherwise: null }, '/otherwise'],
    [
      'has bands in no row',
      { rules: [{ ...firstScorecard.rules[0], outcome: { points: 1, reviewFrom: 2 } }] },
      '/rules/0/outcome',
    ],
    [
      'has no points beyond the scale',
      { rules: [{ ...firstScorecard.rules[0], outcome: { points: 1_001 } }] },
      '/rules/0/outcome/points',
    ],
    [
      'speaks of known fields',
      { rules: [{ ...firstScorecard.rules[0], condition: { node: 'variable', name: 'shoe.size' } }] },
      '/rules/0/condition',
    ],
  ])('comes of a scorecard that %s', (_, change, pointer) => {
    const read = readScorecard({ ...firstScorecard, ...change });
    expect(read).toMatchObject({ ok: false, failure: { code: 'rule-invalid' } });
    if (!read.ok) expect(read.failure.fields?.[0]?.pointer.startsWith(pointer)).toBe(true);
  });
});
