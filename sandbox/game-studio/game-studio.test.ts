/** The studio as a separate process against a small wallet that checks signatures and counts money. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseExactJson } from '../support/exact-json.ts';
import { createTemporaryDirectory, type PartyProcess, startParty } from '../support/party-process.ts';
import { type FakeWallet, startFakeWallet } from './fake-wallet.ts';
import { signBody } from './hub88-signature.ts';
import type { createPlayReport } from './play-report.ts';
import { createOutcomeSource, returnPerTenThousand } from './slot-outcomes.ts';
import { tricks } from './studio-orders.schema.ts';

const directory = createTemporaryDirectory();
const studioKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const operatorKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** Beyond 2^53, as a balance in dong would be. */
const startBalance = 9_007_199_254_740_993_000n;
const player = { token: 'session-token', user: 'player-1', currency: 'VND', gameCode: 'pbs_dragonvault' };
let wallet: FakeWallet;
let studio: PartyProcess;

type Report = ReturnType<ReturnType<typeof createPlayReport>['toJson']>;

const environment = () => ({
  STATE_DIR: directory.path,
  OPERATOR_WALLET_URL: wallet.url,
  OPERATOR_ID: 'pitboss',
  PRIVATE_KEY: studioKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  OPERATOR_PUBLIC_KEY: operatorKeys.publicKey
    .export({ type: 'spki', format: 'pem' })
    .toString()
    .replaceAll('\n', '\\n'),
});

async function order(path: string, body: object): Promise<Report> {
  const response = await fetch(`${studio.url}/_scenario/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Report;
}

async function operatorCall(path: string, fields: object, key = operatorKeys.privateKey): Promise<Response> {
  const body = JSON.stringify({ operator_id: 'pitboss', ...fields });
  return fetch(`${studio.url}/operator/generic/v2/${path}`, {
    method: 'POST',
    body,
    headers: { 'x-hub88-signature': signBody(body, key) },
  });
}

const patient = { timeoutMs: 1000, retryPauseMs: 10 };
const habits = (next: object) =>
  fetch(`${studio.url}/_scenario`, { method: 'PUT', body: JSON.stringify(next) });

interface RoundAnswer {
  url: string;
  status: string;
  transactions: {
    transaction_uuid: string;
    reference_transaction_uuid: string | null;
    kind: string;
    amount: bigint;
  }[];
}
const askRound = async (round: string) =>
  parseExactJson(
    await (await operatorCall('game/round', { user: player.user, round })).text(),
  ) as RoundAnswer;

const failed = (report: Report) => report.expectations.filter((expectation) => !expectation.ok);

beforeAll(async () => {
  wallet = await startFakeWallet(studioKeys.publicKey, startBalance);
  studio = await startParty('game-studio', environment());
  await habits(patient);
});
beforeEach(() => {
  wallet.balance = startBalance;
});
afterAll(async () => {
  await studio.stop();
  await wallet.close();
  directory.remove();
});

test('a hundred rounds with every accident end with the balance the report predicts', async () => {
  const report = await order('play', {
    ...player,
    rounds: 100,
    seed: 7,
    stake: 150_000,
    duplicate: true,
    rollback: true,
    rollbackBeforeBet: true,
    leaveOpen: 1,
  });
  expect(failed(report)).toEqual([]);
  expect(report.balance).toMatchObject({ before: String(startBalance), matches: true });
  expect(BigInt(report.balance.after ?? 0)).toBe(wallet.balance);
  expect(report.totals).toMatchObject({ betCount: 99, rollbackCount: 2, rolledBackBets: '150000' });
  expect(report.openRounds).toHaveLength(1);
});

test('the same seed plays the same rounds, and the paytable gives back 95 %', async () => {
  expect(returnPerTenThousand).toBe(9500);
  const draw = () => {
    const source = createOutcomeSource('seed');
    return Array.from({ length: 50 }, () => source.multiplierHundredths());
  };
  expect(draw()).toEqual(draw());
  const [first, second] = [
    await order('play', { ...player, rounds: 20, seed: 'a' }),
    await order('play', { ...player, rounds: 20, seed: 'a' }),
  ];
  expect(second.totals).toEqual(first.totals);
});

test('a round left open is known to game/round as finished, with the win that was never sent', async () => {
  const report = await order('play', { ...player, rounds: 1, leaveOpen: 1 });
  const [round = ''] = report.openRounds;
  const { status, transactions } = await askRound(round);
  expect(status).toBe('finished');
  expect(transactions.map(({ kind }) => kind)).toEqual(['bet', 'win']);
  const [bet, win] = transactions;
  expect(win?.reference_transaction_uuid).toBe(bet?.transaction_uuid);
  expect(typeof win?.amount).toBe('bigint');
  expect(wallet.transaction(win?.transaction_uuid ?? '')).toBeUndefined();
  const released = await order('release', { round });
  expect(released.totals.acceptedWins).toBe(String(win?.amount));
});

test('an answer that never comes: three retries, then the bet is rolled back', async () => {
  await habits({ timeoutMs: 80, retryPauseMs: 5 });
  // The first two of them are questions for the balance and the player, which are not repeated.
  wallet.swallowAnswers = 6;
  const report = await order('play', { ...player, rounds: 1, seed: 'silent' });
  await habits(patient);
  expect(report.calls.map((call) => call.path)).toContain('/transaction/rollback');
  expect(wallet.balance).toBe(startBalance);
});

test('a caller that forgets its lost bets says nothing more, and answers for the round as void', async () => {
  await habits({ timeoutMs: 80, retryPauseMs: 5, rollbackLostBets: false });
  wallet.swallowAnswers = 6;
  const report = await order('play', { ...player, rounds: 1, seed: 'silent' });
  await habits(patient);
  expect(report.calls.map((call) => call.path)).not.toContain('/transaction/rollback');
  expect(wallet.balance).toBe(startBalance - 100_000n);
  const round = report.calls.find((call) => call.path === '/transaction/bet')?.round ?? '';
  expect((await askRound(round)).status).toBe('void');
});

test('a win without an answer is sent again after kill -9, until the wallet takes it', async () => {
  await habits({ timeoutMs: 60, retryPauseMs: 1 });
  const opened = await order('play', { ...player, rounds: 1, leaveOpen: 1 });
  wallet.swallowAnswers = 4;
  await order('release', { round: opened.openRounds[0] ?? '' });
  await studio.stop('SIGKILL');
  studio = await startParty('game-studio', environment());
  const rounds = async () =>
    (await (await fetch(`${studio.url}/_scenario/rounds`)).json()) as {
      round: string;
      transactions: { kind: string; state: string }[];
    }[];
  const winState = async () =>
    (await rounds())
      .find(({ round }) => round === opened.openRounds[0])
      ?.transactions.find(({ kind }) => kind === 'win')?.state;
  await expect.poll(winState, { timeout: 3000 }).toBe('accepted');
  await habits(patient);
});

// The small wallet's JSON reader cannot see how a number or a key was written.
const beyondIt = ['odd_amounts', 'malformed'];
test.each(tricks.filter((trick) => !beyondIt.includes(trick)))(
  'the trick "%s" finds nothing wrong with a wallet that follows the rules',
  async (trick) => {
    const report = await order('hostile', { ...player, trick, count: 8 });
    expect(failed(report)).toEqual([]);
    expect(report.balance.matches).toBe(true);
  },
);

test('a round cut off by kill -9 in the middle of its bet is taken back', async () => {
  await habits({ timeoutMs: 300, retryPauseMs: 10 });
  wallet.swallowAnswers = 3;
  const cut = order('play', { ...player, rounds: 1 }).catch(() => undefined);
  await expect.poll(() => wallet.balance < startBalance, { timeout: 3000 }).toBe(true);
  await studio.stop('SIGKILL');
  await cut;
  wallet.swallowAnswers = 0;
  studio = await startParty('game-studio', environment());
  await expect.poll(() => wallet.balance, { timeout: 3000 }).toBe(startBalance);
  await habits(patient);
});

test('the operator API checks its signature and knows its games', async () => {
  expect((await operatorCall('game/list', {}, studioKeys.privateKey)).status).toBe(403);
  expect((await operatorCall('game/list', { operator_id: 'other' })).status).toBe(404);
  const list = (await (await operatorCall('game/list', {})).json()) as { game_code: string }[];
  expect(list).toHaveLength(6);
  expect(
    (await operatorCall('game/url', { game_code: 'unknown', currency: 'EUR', user: 'player-1', token: 't' }))
      .status,
  ).toBe(404);
  expect((await operatorCall('game/round', { round: 'unknown' })).status).toBe(404);
});

test('the game page can be played, with money and as a demo', async () => {
  for (const fields of [{ currency: 'EUR', user: player.user, token: player.token }, { currency: 'XXX' }]) {
    const { url } = (await (
      await operatorCall('game/url', { game_code: 'pbs_luckyorchard', ...fields })
    ).json()) as {
      url: string;
    };
    const callsBefore = wallet.calls;
    expect(await (await fetch(url)).text()).toContain('id="spin"');
    const spin = await fetch(`${studio.url}/play/spin`, {
      method: 'POST',
      body: JSON.stringify({ session: new URL(url).searchParams.get('session'), stake: '100000' }),
    });
    expect(await spin.json()).toMatchObject({ taken: true });
    expect(wallet.calls > callsBefore).toBe(fields.currency === 'EUR');
  }
});
