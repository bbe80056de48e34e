/** Settlement files of a Checkout.com account that is paid on Mondays: whole together from payout to payout, or not taken. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { parsePayoutSchedule } from '#domain/payments/payout-schedule.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { paymentActivities, seedWorld } from '#test/workflows/payment-world.ts';
import { createPspConnectors, type PspConnector } from './connectors.ts';

/** Each test has weeks of its own, a year after those before: nothing is looked back for so long. */
let mondays: readonly [string, string, string];
let years = 0;
const columns = [
  'Action Type',
  'Action ID',
  'Payment ID',
  'Payout ID',
  'Breakdown Type',
  'Holding Currency',
  'Holding Currency Amount',
];

let database: TestDatabase;
let files: Map<string, readonly string[]>;
let count = 0;

const captured = (amount: string): string => {
  count += 1;
  return `Capture,act_${count},pay_${count},,Capture,EUR,${amount}`;
};
const paidOut = (amount: string, asset = 'EUR'): string => {
  count += 1;
  return `Payout,act_${count},,po_${count},Payout,${asset},-${amount}`;
};

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
});
afterAll(() => database?.drop());
beforeEach(() => {
  files = new Map();
  const monday = (week: number): string =>
    new Date(Date.UTC(2020, 0, 6 + (years * 52 + week) * 7)).toISOString().slice(0, 10);
  mondays = [monday(0), monday(1), monday(2)];
  years += 1;
});

function activities() {
  const { settlement, ...gamma } = createPspConnectors({
    gamma: {
      url: 'http://127.0.0.1:1',
      apiKey: 'sk',
      webhookSecret: 'w',
      processingChannelId: 'pc',
      currencyAccountId: 'ca',
      payoutSchedule: orThrow(parsePayoutSchedule('mon')),
    },
  }).get('gamma') as PspConnector;
  if (settlement === undefined) throw new Error('gamma has files');
  const connector: PspConnector = {
    ...gamma,
    settlement: {
      ...settlement,
      settlementFile: async (day) => ({
        kind: 'file',
        name: `financial-actions-${day}.csv`,
        content: [columns.join(','), ...(files.get(day) ?? [])].map((line) => `${line}\r\n`).join(''),
      }),
    },
  };
  return paymentActivities(database.db, new Map([['gamma', connector]])).provider;
}

async function reconciled(day: string, lines: readonly string[]): Promise<boolean> {
  files.set(day, lines);
  const { fetchSettlement, matchSettlement } = activities();
  const { fileId } = await fetchSettlement({ psp: 'gamma', day });
  return (await matchSettlement({ fileId })).isUnreadable !== true;
}

const reasonOf = async (day: string): Promise<string | undefined> =>
  (
    await database.db
      .selectFrom('payments.workItem')
      .select('reason')
      .where('kind', '=', 'unreadable-settlement')
      .where('subject', '=', `settlement-day:gamma:${day}`)
      .where('closedAt', 'is', null)
      .executeTakeFirst()
  )?.reason;

const daysBetween = (from: string, to: string): readonly string[] => {
  const days: string[] = [];
  for (let at = Date.parse(from) + 86_400_000; at < Date.parse(to); at += 86_400_000)
    days.push(new Date(at).toISOString().slice(0, 10));
  return days;
};

test('a week adds up with its payout on Monday, and so does the next one with what was left below zero', async () => {
  expect(await reconciled(mondays[0], [captured('5.00'), paidOut('5.00')])).toBe(true);
  for (const day of daysBetween(mondays[0], mondays[1]))
    expect(await reconciled(day, [captured('10.00')])).toBe(true);
  expect(await reconciled(mondays[1], [captured('1.00'), paidOut('61.00')])).toBe(true);
  for (const day of daysBetween(mondays[1], mondays[2])) expect(await reconciled(day, [])).toBe(true);
  expect(await reconciled(mondays[2], [])).toBe(true);
});

test('a Monday is not taken when a day before it lost its end, and is once that day was told whole', async () => {
  await reconciled(mondays[0], [captured('5.00'), paidOut('5.00')]);
  const [tuesday, ...others] = daysBetween(mondays[0], mondays[1]);
  const whole = [captured('10.00'), captured('7.00')];
  await reconciled(tuesday ?? '', whole.slice(0, 1));
  for (const day of others) await reconciled(day, []);
  const monday = [paidOut('17.00')];
  expect(await reconciled(mondays[1], monday)).toBe(false);
  expect(await reasonOf(mondays[1])).toContain('do not add up to what is paid out of EUR');
  expect(await reconciled(tuesday ?? '', whole)).toBe(true);
  expect(await reconciled(mondays[1], monday)).toBe(true);
  expect(await reasonOf(mondays[1])).toBeUndefined();
});

test('a Monday that lost its payout, or lines before it, is not taken', async () => {
  await reconciled(mondays[0], [captured('5.00'), paidOut('5.00')]);
  for (const day of daysBetween(mondays[0], mondays[1])) await reconciled(day, [captured('1.00')]);
  expect(await reconciled(mondays[1], [captured('2.00')])).toBe(false);
  expect(await reasonOf(mondays[1])).toContain('does not tell the payout of EUR');
  expect(await reconciled(mondays[1], [captured('2.00'), paidOut('9.00')])).toBe(false);
  expect(await reconciled(mondays[1], [captured('2.00'), paidOut('8.00')])).toBe(true);
});

test('a Monday waits for a day of its cycle whose file is not there yet', async () => {
  await reconciled(mondays[0], [captured('5.00'), paidOut('5.00')]);
  const [tuesday, ...others] = daysBetween(mondays[0], mondays[1]);
  for (const day of others) await reconciled(day, [captured('1.00')]);
  const monday = [paidOut('5.00')];
  expect(await reconciled(mondays[1], monday)).toBe(false);
  expect(await reasonOf(mondays[1])).toContain(`before the file of ${tuesday} is read`);
  expect(await reconciled(tuesday ?? '', [])).toBe(true);
  expect(await reconciled(mondays[1], monday)).toBe(true);
});

test('before the first payout that is known nothing is proven, and currencies are proven apart', async () => {
  expect(await reconciled(mondays[0], [paidOut('100.00'), paidOut('20.00', 'GBP')])).toBe(true);
  for (const day of daysBetween(mondays[0], mondays[1])) await reconciled(day, []);
  expect(await reconciled(mondays[1], [captured('3.00'), paidOut('3.00'), paidOut('1.00', 'GBP')])).toBe(
    false,
  );
  expect(await reasonOf(mondays[1])).toContain('GBP');
});
