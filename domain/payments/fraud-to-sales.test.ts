/** The line of the monitoring programme. */
import { expect, test } from 'vitest';
import { fraudToSales } from './fraud-to-sales.ts';

const none = { sales: 0, disputes: 0, fraudReports: 0, onBoth: 0 };

test('a merchant id is excessive only with the ratio and the number of events', () => {
  expect(fraudToSales({ ...none, sales: 100_000, disputes: 1_500 })).toEqual({
    sales: 100_000,
    disputes: 1_500,
    fraudReports: 0,
    onBoth: 0,
    ratioBps: 150,
    isExcessive: true,
  });
  expect(fraudToSales({ ...none, sales: 100_001, disputes: 1_500 }).isExcessive).toBe(false);
  expect(fraudToSales({ ...none, sales: 1_000, disputes: 1_499 }).isExcessive).toBe(false);
});

test('fraud reports and disputes are added, a charge with both counting twice', () => {
  const counted = fraudToSales({ sales: 100_000, disputes: 700, fraudReports: 800, onBoth: 300 });
  expect(counted).toMatchObject({ ratioBps: 150, isExcessive: true, onBoth: 300 });
});

test('without sales there is no ratio, and events of earlier sales still count', () => {
  expect(fraudToSales(none)).toMatchObject({ ratioBps: null, isExcessive: false });
  expect(fraudToSales({ ...none, disputes: 1_000, fraudReports: 500 }).isExcessive).toBe(true);
});
