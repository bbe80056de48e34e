/** The whole platform as a user starts it, with the card vault: planted card numbers, the demo, sports bets, hostile counterparties, outages, and the loss of everything at once. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startPlatform, type Platform } from '#platform/platform.ts';
import * as acts from '#sandbox/demo/acts.ts';
import { findCast, signInOperator, type Cast } from '#sandbox/demo/cast.ts';
import { callJson, eventually } from '#sandbox/demo/http.ts';
import { brokenInvariants } from '#sandbox/demo/timeline.ts';
import {
  makePlatformHome,
  tellLastWords,
  verifyLedger,
  type PlatformHome,
} from '#test/support/platform-home.ts';
import { startWireServer, type WireServer } from '#test/support/wire-server.ts';
import { describeCardCanary } from './card-canary.ts';
import { describeHostilePeers } from './hostile-peers.ts';

let home: PlatformHome;
let shop: WireServer;
let platform: Platform;
let cast: Cast;

async function start(): Promise<void> {
  platform = await startPlatform({
    environment: { ...home.environment, CARD_VAULT: 'on', VAULT_SHOP_ORIGINS: shop.url },
  });
  cast = await findCast(home.path, process.env);
}

beforeAll(async () => {
  home = await makePlatformHome(14_080);
  shop = await startWireServer();
  await start();
}, 180_000);

afterAll(async () => {
  await platform?.stop();
  await shop?.close();
  await home?.remove();
}, 60_000);

beforeEach(({ onTestFailed }) => onTestFailed(() => tellLastWords(home.path)));

type Match = { readonly eventId: string; readonly marketId: string };

/** A match of the feed, once the platform offers it. */
async function openMatch(): Promise<Match> {
  const { eventId, marketId } = await callJson(`${cast.sandbox.oddsFeed}/_scenario/fixtures`, { body: {} });
  await eventually('the market', async () => {
    const path = `/v1/sports/events/${eventId}/markets`;
    return (await callJson(`${cast.api}${path}`, { expect: [200, 404] })).items?.length > 0;
  });
  return { eventId, marketId };
}

const announce = ({ eventId, marketId }: Match, winner: string) => {
  const outcomes = Object.fromEntries(
    ['home', 'draw', 'away'].map((id) => [id, { result: id === winner ? 'won' : 'lost' }]),
  );
  const path = `/_scenario/events/${eventId}/markets/${marketId}/result`;
  return callJson(`${cast.sandbox.oddsFeed}${path}`, { body: { outcomes } });
};

describe('a planted card number', () => describeCardCanary(() => ({ cast, home: home.path, shop })));

test('the demo passes: every invariant of a player’s money life holds', async () => {
  const demo = promisify(execFile)(process.execPath, ['sandbox/demo/main.ts'], {
    env: { ...process.env, PITBOSS_HOME: home.path },
  });
  const { stdout } = await demo.catch((error: { stdout: string; stderr: string }) => ({
    stdout: `${error.stdout}${error.stderr}`,
  }));
  expect(stdout).toContain('All invariants hold.');
  expect(stdout).not.toContain('BROKEN');
}, 180_000);

test('sports bets go from the feed’s odds over results and corrections into the wallet', async () => {
  const player = await acts.register(cast);
  await acts.protect(player);
  await acts.deposit(cast, player);
  const match = await openMatch();
  const other = await openMatch();
  const place = async (amount: string, matches: readonly Match[], cashOut = false): Promise<string> => {
    const legs = matches.map((leg) => ({ ...leg, selectionId: 'home', odds: '2.10' }));
    const body = { stake: { amount, asset: 'EUR' }, legs, cashOut };
    return (await player.call('/v1/bets', { body, idempotencyKey: randomUUID() })).betId;
  };
  const cashBecomes = (cash: string) =>
    eventually(`cash of ${cash}`, async () => (await acts.balanceOf(player)).cash === cash);

  const single = await place('10.00', [match]);
  const bought = await place('10.00', [other], true);
  await place('5.00', [match, other]);
  await cashBecomes('175.00');
  const offer = await player.call(`/v1/bets/${bought}/cash-out-offers`, {
    method: 'POST',
    idempotencyKey: randomUUID(),
  });
  const body = { offerId: offer.offerId };
  await player.call(`/v1/bets/${bought}/cash-outs`, { body, idempotencyKey: randomUUID() });
  await cashBecomes('184.50');
  await announce(match, 'home');
  await cashBecomes('205.50');
  await announce(other, 'home');
  await cashBecomes('227.55');
  await announce(match, 'away');
  await cashBecomes('184.50');

  const support = await signInOperator(cast, 'support');
  const { bet, journals } = await support(`/admin/v1/bets/${single}`);
  expect(bet).toMatchObject({ state: 'settled', outcome: 'lost', payout: { amount: '0.00' } });
  expect(journals.map(({ code }: { code: string }) => code)).toEqual([
    'book.place',
    'book.settle',
    'book.correct',
  ]);
  expect(await verifyLedger(home.path)).toContain('The ledger is proven.');
}, 180_000);

describe('counterparties that lie, repeat, race and lose answers', () =>
  describeHostilePeers(() => ({ cast, home: home.path })));

test('bets go on while Temporal and ClickHouse are away, and both catch up', async () => {
  const player = await acts.register(cast);
  await acts.protect(player);
  await acts.deposit(cast, player);
  await Promise.all([platform.halt('temporal'), platform.halt('analytics')]);

  const report = await acts.play(cast, player, 30);
  const refused = await player.call('/v1/deposits', {
    body: {
      money: { amount: '10.00', asset: 'EUR' },
      instrument: { kind: 'card', tokens: [{ psp: 'alpha', token: 'pm_none' }] },
      returnUrl: `${cast.api}/docs`,
    },
    idempotencyKey: 'while-temporal-is-away',
    expect: [503],
  });
  expect(refused.code).toBe('dependency-unavailable');
  const analyst = await signInOperator(cast, 'admin');
  const today = new Date().toISOString().slice(0, 10);
  expect(await analyst(`/admin/v1/ledger-comparison?day=${today}`, { expect: [503] })).toMatchObject({
    code: 'dependency-unavailable',
  });

  await Promise.all([platform.resume('temporal'), platform.resume('analytics')]);
  await acts.settleOpenRound(cast, player, report);
  await eventually(
    'ClickHouse to equal the ledger again',
    async () => {
      const seen = await analyst(`/admin/v1/ledger-comparison?day=${today}`, { expect: [200, 503] });
      return seen.differences?.length === 0;
    },
    60_000,
  );
}, 240_000);

test('without its database the platform says so, takes nothing half, and comes back', async () => {
  await platform.halt('postgres');
  const response = await fetch(`${cast.api}/v1/games`);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await response.json()).toMatchObject({ code: 'dependency-unavailable' });
  expect((await fetch(`${cast.api}/healthz`)).status).toBe(200);
  expect((await fetch(`${cast.api}/readyz`)).status).toBe(503);
  await platform.resume('postgres');
  await eventually('the API to be ready again', async () => (await fetch(`${cast.api}/readyz`)).ok, 30_000);
  expect((await callJson(`${cast.api}/v1/games`)).items.length).toBeGreaterThan(0);
}, 120_000);

test('kill -9 of everything in the middle loses nothing: what was begun is finished after the next start', async () => {
  const player = await acts.register(cast);
  await acts.protect(player);
  await acts.deposit(cast, player);
  const before = await acts.balanceOf(player);
  const withdrawalId = await acts.requestWithdrawal(player);
  await acts.approve(cast, withdrawalId, 'payments');
  const open = await acts.beginDeposit(cast, player);

  platform.killAll();
  await start();

  await acts.passChallenge(open.challengeUrl);
  await acts.awaitCapture(player, open.depositId);
  await acts.approve(cast, withdrawalId, 'payments-lead');
  await acts.awaitPayout(player, withdrawalId);
  const after = await acts.balanceOf(player);
  expect([before.cash, after.cash]).toEqual(['200.00', '250.00']);
  expect(await verifyLedger(home.path)).toContain('The ledger is proven.');
  expect(brokenInvariants()).toBe(0);
}, 240_000);
