/** The figures of a story whose outcome can be counted on fingers, read back from a real ClickHouse. */
import { randomUUID } from 'node:crypto';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadEvents, type LoadableEvent } from '#analytics/load-events.ts';
import { migrateAnalytics } from '#analytics/migrate.ts';
import { kpiFigures } from '#analytics/queries/kpis.ts';
import { ngrWaterfall } from '#domain/bi/kpi-dictionary.ts';
import { bonusCost, casinoGaming } from '#domain/wallet/chart.ts';
import { jackpotContribution, payFromPool } from '#domain/wallet/jackpots.ts';
import {
  applyPostings,
  betPlace,
  betRollback,
  betWin,
  bonusAward,
  bonusConvert,
  bonusForfeit,
  bookPay,
  bookStake,
  creditCash,
  chargebackLose,
  chargebackOpen,
  chargebackWin,
  depositCapture,
  depositRefund,
  depositRefundReturn,
  withdrawalFee,
  withdrawalReserve,
  withdrawalSettle,
  type PoolBalances,
  type Posting,
} from '#domain/wallet/postings.ts';
import { Secret } from '#workers/secret.ts';
import { startClickHouse, type TestClickHouse } from './support/clickhouse.ts';

const brand = 'kpi-brand';
const player = randomUUID();
let clickhouse: TestClickHouse;
let client: ClickHouseClient;
let events: LoadableEvent[] = [];

beforeAll(async () => {
  clickhouse = await startClickHouse();
  const config = {
    clickhouse: {
      url: clickhouse.url,
      user: clickhouse.user,
      password: new Secret(clickhouse.password),
      database: 'pitboss',
    },
  };
  await migrateAnalytics(config);
  await migrateAnalytics(config);
  client = createClient({
    url: clickhouse.url,
    username: clickhouse.user,
    password: clickhouse.password,
    database: 'pitboss',
  });
  events = story();
  await loadEvents(client, events, 'story');
});
afterAll(async () => {
  await client.close();
  await clickhouse.stop();
});

function factOf(type: string, payload: unknown, occurredAt: string): LoadableEvent {
  return {
    eventId: randomUUID(),
    type,
    version: 1,
    brand,
    playerId: player,
    occurredAt,
    payload,
    xid: '1',
    id: 1n,
  };
}

/** Journals as the wallet posts them, by the functions that it posts them with. */
function story(): LoadableEvent[] {
  let balances: PoolBalances = { cash: 0n, bonus: 0n, held: 0n, receivable: 0n };
  const told: LoadableEvent[] = [];
  const post = (code: string, postings: Posting[], at = '2026-03-01 12:00:00.123456'): Posting[] => {
    balances = applyPostings(balances, postings);
    const entries = postings.map(({ side, account, amount }) => ({
      account,
      playerId: side === 'player' ? player : null,
      units: amount.toString(),
    }));
    told.push(
      factOf(
        'wallet.journal.posted',
        {
          journalId: randomUUID(),
          code,
          integration: 'test',
          externalId: randomUUID(),
          asset: 'EUR',
          round: null,
          game: 'slot',
          subject: null,
          entries,
        },
        at,
      ),
    );
    return postings;
  };
  const asOriginal = (postings: Posting[]) =>
    postings.map(({ side, account, amount }) => ({ account, ofPlayer: side === 'player', amount }));

  post('deposit.capture', depositCapture(balances, 100n, 'alpha'), '2026-02-28 23:59:59.999999');
  post('deposit.capture', depositCapture(balances, 1_000n, 'alpha'), '2026-03-01 00:00:00.000000');
  told.push(
    factOf(
      'payments.deposit.captured',
      { money: { amount: '1', asset: 'EUR' }, first: true },
      '2026-03-01 00:00:00.000000',
    ),
  );
  // Went back to the player in part; one part of it came back again. A bank took more, and gave some of it back.
  post('deposit.refund', depositRefund(balances, 120n, 'alpha'));
  post('deposit.refund-return', depositRefundReturn(balances, 20n, 'alpha'));
  post('chargeback.open', chargebackOpen(balances, 70n, 'alpha'));
  post('chargeback.open', chargebackOpen(balances, 30n, 'alpha'));
  post('chargeback.win', chargebackWin(balances, 30n, 'alpha'));
  post('chargeback.lose', chargebackLose(70n, 'alpha'));
  post('bet.place', betPlace({ cash: 300n, bonus: 0n }));
  post('bet.win', betWin(balances, 120n, { cash: 300n, bonus: 0n }, 'cash'));
  const undone = post('bet.place', betPlace({ cash: 50n, bonus: 0n }));
  post('bet.rollback', betRollback(balances, asOriginal(undone), 'nobody'));
  post('bonus.award', bonusAward(200n));
  post('bet.place', betPlace({ cash: 0n, bonus: 80n }));
  post('bet.win', betWin(balances, 30n, { cash: 0n, bonus: 80n }, 'bonus'));
  post('bonus.convert', bonusConvert(balances));
  post('bonus.award', bonusAward(40n));
  post('bonus.forfeit', bonusForfeit(balances));
  const fed = jackpotContribution({ pool: 'p', contributionBps: 100 }, 100n);
  post('bet.place', [...betPlace({ cash: 100n, bonus: 0n }), ...fed]);
  const hit = betWin(balances, 60n, { cash: 100n, bonus: 0n }, 'cash');
  post('bet.win', payFromPool(hit, casinoGaming, { pool: 'p', amount: 40n }));
  post('free.win', [...creditCash(balances, 9n), { side: 'house', account: bonusCost, amount: -9n }]);
  post('withdrawal.reserve', withdrawalReserve(500n));
  post('withdrawal.settle', withdrawalSettle(496n, 'alpha'));
  post('withdrawal.fee', withdrawalFee(4n));
  // Sports: one bet pays and is corrected down, one is void, one is lost, one is bought back.
  for (const stake of [40n, 30n, 20n, 10n]) post('book.place', bookStake(stake));
  post('book.settle', bookPay(balances, 90n));
  post('book.correct', bookPay(balances, -25n));
  post('book.void', bookPay(balances, 30n));
  post('book.cash-out', bookPay(balances, 6n));
  post('bet.place', betPlace({ cash: 7n, bonus: 0n }), '2026-03-02 00:00:00.000000');
  return told;
}

const query = { from: '2026-03-01', to: '2026-03-02', brand, asset: 'EUR' };

describe('the figures of a day', () => {
  test('count what happened in it, to the unit and the microsecond', async () => {
    expect(await kpiFigures(client, query)).toEqual({
      ftd: 1,
      depositsCount: 1,
      deposits: 1_000n,
      refunds: 100n,
      chargebacks: 70n,
      netDeposits: 830n,
      withdrawals: 496n,
      activePlayers: 1,
      // Casino 480, sports 100 less the void 30.
      stakes: 550n,
      bonusStakes: 80n,
      // Casino 170, sports 90 − 25 + 6.
      wins: 241n,
      ggr: 309n,
      bonusGgr: 50n,
      bonusCost: 159n,
      bonusIssued: 209n,
      pspFees: 0n,
      playerFees: 4n,
      jackpotContributions: 1n,
    });
  });

  test('lead from GGR to NGR by real money alone, and to the same by bonus money given, once awards have ended', async () => {
    const figures = await kpiFigures(client, query);
    const { steps, ngr, ngrByIssued } = ngrWaterfall(figures);
    // Real stakes 400 less real wins 140 that no pool paid, less 150 of bonus money that became cash, less 9 won in
    // free rounds, less 1 for the pool, less 1 that sports lost.
    expect(ngr).toBe(99n);
    expect(ngrByIssued).toBe(ngr);
    expect(steps.reduce((sum, { units }) => sum + units, 0n)).toBe(ngr);
  });

  test('do not change when the block is sent again', async () => {
    const before = await kpiFigures(client, query);
    await loadEvents(client, events, 'story');
    expect(await kpiFigures(client, query)).toEqual(before);
  });

  test('are empty for another brand and asset', async () => {
    expect(await kpiFigures(client, { ...query, brand: 'other' })).toMatchObject({
      ftd: 0,
      ggr: 0n,
      deposits: 0n,
    });
    expect(await kpiFigures(client, { ...query, asset: 'USD' })).toMatchObject({
      ftd: 0,
      ggr: 0n,
      deposits: 0n,
    });
  });
});
