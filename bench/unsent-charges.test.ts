/** What the cascade bench calls a broken proof: a charge under a reference that was called not sent. */
import { expect, test } from 'vitest';
import { depositReference } from '#domain/payments/reference.ts';
import { chargesOfUnsent } from './unsent-charges.ts';

const [one, two] = ['0198c0de-0000-4000-8000-000000000001', '0198c0de-0000-4000-8000-000000000002'];
const charge = (paymentId: string) => ({ kind: 'charge', paymentId });

test('a charge of an attempt that was called not sent is found, also one that was given back', () => {
  const books = {
    alpha: {
      movements: [charge('pi_1'), { kind: 'refund', paymentId: 'pi_1' }, charge('pi_2')],
      payments: [
        { id: 'pi_1', reference: depositReference(one, 1) },
        { id: 'pi_2', reference: depositReference(two, 2) },
      ],
    },
    beta: { movements: [charge('PSP1')], payments: [{ id: 'PSP1', reference: depositReference(two, 1) }] },
  };
  const unsent = new Set([depositReference(one, 1), depositReference(two, 1)]);
  expect(chargesOfUnsent(books, unsent)).toEqual([
    `alpha ${depositReference(one, 1)}`,
    `beta ${depositReference(two, 1)}`,
  ]);
});

test('a payment without a charge, another attempt of the deposit and what has no reference are none', () => {
  const books = {
    alpha: {
      movements: [charge('pi_other'), charge('pi_nameless'), { kind: 'charge', paymentId: null }],
      payments: [
        { id: 'pi_declined', reference: depositReference(one, 1) },
        { id: 'pi_other', reference: depositReference(one, 2) },
        { id: 'pi_nameless', reference: null },
      ],
    },
  };
  expect(chargesOfUnsent(books, new Set([depositReference(one, 1)]))).toEqual([]);
});
