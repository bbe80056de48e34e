/** The line of the monitoring programme. */
import { expect, test } from 'vitest';
import { fraudToSales } from './fraud-to-sales.ts';

test('a merchant id is excessive only with the ratio and the number of events', () => {
  expect(fraudToSales(100_000, 1_500)).toEqual({
    sales: 100_000,
    disputes: 1_500,
    ratioBps: 150,
    isExcessive: true,
  });
  expect(fraudToSales(100_001, 1_500).isExcessive).toBe(false);
  expect(fraudToSales(1_000, 1_499).isExcessive).toBe(false);
});

test('without sales there is no ratio, and disputes of earlier sales still count', () => {
  expect(fraudToSales(0, 0)).toMatchObject({ ratioBps: null, isExcessive: false });
  expect(fraudToSales(0, 1_500).isExcessive).toBe(true);
});
