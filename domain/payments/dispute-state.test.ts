/** Disputes told in any order and any number of times end in the same place and book the same movements. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bookableMovements, stepDispute, type DisputeMovement, type DisputePlace } from './dispute-state.ts';

const told: readonly DisputePlace[] = [
  { stage: 'inquiry', status: 'needs-response' },
  { stage: 'inquiry', status: 'under-review' },
  { stage: 'chargeback', status: 'needs-response' },
  { stage: 'chargeback', status: 'under-review' },
  { stage: 'chargeback', status: 'won' },
  { stage: 'second-chargeback', status: 'needs-response' },
  { stage: 'second-chargeback', status: 'lost' },
];

const walk = (places: readonly DisputePlace[]): DisputePlace =>
  places.reduce((known, next) => stepDispute(known, next).place, {
    stage: 'inquiry',
    status: 'noticed',
  } as DisputePlace);

test('a dispute that is told in any order, with repeats, ends where the last stage ended', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...told, ...told], { minLength: 14, maxLength: 14 }), (order) => {
      expect(walk(order)).toEqual({ stage: 'second-chargeback', status: 'lost' });
    }),
  );
});

test('a stage never falls, and an end of a stage stays', () => {
  const stages = ['inquiry', 'chargeback', 'second-chargeback'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...told), { maxLength: 30 }), (order) => {
      let known: DisputePlace = { stage: 'inquiry', status: 'noticed' };
      for (const next of order) {
        const { place } = stepDispute(known, next);
        expect(stages.indexOf(place.stage)).toBeGreaterThanOrEqual(stages.indexOf(known.stage));
        if (place.stage === known.stage && ['won', 'lost', 'closed'].includes(known.status))
          expect(place.status).toBe(known.status);
        known = place;
      }
    }),
  );
});

test('two ends of one stage, and a second chargeback after a loss, are contradictions', () => {
  const won = { stage: 'chargeback', status: 'won' } as const;
  const lost = { stage: 'chargeback', status: 'lost' } as const;
  const second = { stage: 'second-chargeback', status: 'needs-response' } as const;
  expect(stepDispute(won, lost)).toEqual({ place: won, isContradiction: true });
  expect(stepDispute(lost, won)).toEqual({ place: lost, isContradiction: true });
  expect(stepDispute(lost, second)).toEqual({ place: lost, isContradiction: true });
  expect(stepDispute(won, second)).toEqual({ place: second, isContradiction: false });
});

const movement = (reference: string, kind: DisputeMovement['kind']): DisputeMovement => ({
  reference,
  kind,
  money: { amount: '10.00', asset: 'EUR' },
});

test('money taken and given back is booked in turn, each movement once, whatever the order of the news', () => {
  const all = [
    movement('CHARGEBACK', 'withdrawn'),
    movement('CHARGEBACK_REVERSED', 'reinstated'),
    movement('SECOND_CHARGEBACK', 'withdrawn'),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray([...all, ...all], { minLength: 6, maxLength: 6 }), (arrivals) => {
      const booked: DisputeMovement[] = [];
      const seen: DisputeMovement[] = [];
      for (const arrival of arrivals) {
        if (!seen.includes(arrival)) seen.push(arrival);
        booked.push(...bookableMovements(booked, seen).now);
        const out = booked.filter(({ kind }) => kind === 'withdrawn').length;
        const back = booked.length - out;
        expect(out - back === 0 || out - back === 1).toBe(true);
      }
      expect(new Set(booked.map(({ reference }) => reference)).size).toBe(3);
      expect(booked).toHaveLength(3);
    }),
  );
});

test('money given back before it was taken waits', () => {
  const back = movement('CHARGEBACK_REVERSED', 'reinstated');
  expect(bookableMovements([], [back])).toEqual({ now: [], waiting: [back] });
});
