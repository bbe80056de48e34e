/**
 * The studio against the real wallet in all four dialects: the honest session, every hostile trick, free rounds. What the
 * studio's own book says must be what the platform's ledger says, to the last unit.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dialectNames, type DialectName } from '#sandbox/game-studio/wallet-wire.ts';
import { tricksOf, type Trick } from '#sandbox/game-studio/studio-orders.schema.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { freePort } from '#test/support/ports.ts';
import { createStudioOperator, type StudioOperator } from '#test/support/studio-operator.ts';
import { startWalletRig, type RigPlayer, type WalletRig } from '#test/support/wallet-rig.ts';

const euro = 10n ** 12n;
const integrationOf: Record<DialectName, string> = {
  hub88: 'studio',
  caleta: 'studio-caleta',
  'a8r-v2': 'studio-a8r-v2',
  'a8r-v1': 'studio-a8r-v1',
};
/** Ledger units in the smallest unit of each wire. */
const unitsIn: Record<DialectName, bigint> = {
  hub88: 10n ** 7n,
  caleta: 10n ** 7n,
  'a8r-v2': 1n,
  'a8r-v1': 10n ** 10n,
};

const state = createTemporaryDirectory();
let database: TestDatabase;
let rig: WalletRig;
let studio: PartyProcess;
let operator: StudioOperator;

beforeAll(async () => {
  database = await createTestDatabase();
  const studioPort = await freePort();
  rig = await startWalletRig(database, { apis: 1, studioUrl: `http://127.0.0.1:${studioPort}` });
  const api = rig.apis[0]?.url ?? '';
  studio = await startParty('game-studio', {
    PORT: String(studioPort),
    STATE_DIR: state.path,
    OPERATOR_ID: 'pitboss',
    OPERATOR_WALLET_URL: `${api}/wallet/hub88/studio`,
    PRIVATE_KEY: rig.keys.studioPrivateKey,
    OPERATOR_PUBLIC_KEY: rig.keys.operatorPublicKey,
    CALETA_WALLET_URL: `${api}/wallet/caleta/studio-caleta`,
    A8R_V2_WALLET_URL: `${api}/wallet/a8r/studio-a8r-v2`,
    A8R_V2_AUTH_TOKEN: rig.keys.a8rV2Token,
    A8R_V1_WALLET_URL: `${api}/wallet/a8r/v1/studio-a8r-v1`,
    A8R_V1_AUTH_TOKEN: rig.keys.a8rV1Token,
  });
  operator = createStudioOperator(studio.url, rig.keys);
  // Two cores and a whole test run beside it: patience costs nothing where answers come.
  await fetch(`${studio.url}/_scenario`, {
    method: 'PUT',
    body: JSON.stringify({ timeoutMs: 30_000, retries: 3, retryPauseMs: 50 }),
  });
}, 120_000);

afterAll(async () => {
  await studio?.stop();
  await rig?.close();
  await database?.drop();
  state.remove();
});

interface Report {
  ok: boolean;
  totals: { net: string; betCount: number; winCount: number; rollbackCount: number };
  balance: { before: string; after: string; matches: boolean };
  expectations: { what: string; expected: string; got: string; ok: boolean }[];
  openRounds: string[];
  statuses: Record<string, number>;
}

/** The body as HTTP gives it: answers of the studio's scenario API are the test's own instruments. */
async function order(path: string, body: object): Promise<Report> {
  const response = await fetch(`${studio.url}/_scenario/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  expect(response.status, answer).toBe(200);
  return JSON.parse(answer);
}

/** With the answers of all its calls beside it, which say whether it was the wallet or the way to it. */
const broken = ({ expectations, statuses }: Report) => {
  const failed = expectations.filter(({ ok }) => !ok);
  return failed.length === 0 ? [] : [...failed, statuses];
};

const cashOf = async ({ id }: RigPlayer): Promise<bigint> => {
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    id,
  ]);
  return BigInt(rows[0].cash);
};

describe.each(dialectNames)('%s', (dialect) => {
  let player: RigPlayer;
  let session: string;
  /** What the studio's reports add up to, in ledger units. */
  let booked = 0n;

  const count = (report: Report) => {
    booked += BigInt(report.totals.net) * unitsIn[dialect];
    return report;
  };
  const perform = async (trick: Trick, more: object = {}) =>
    count(await order('hostile', { session, trick, count: 10, ...more }));

  beforeAll(async () => {
    player = await rig.fundedPlayer(500n * euro);
    const url = await operator.launch(dialect, player);
    session = new URL(url).searchParams.get('session') ?? '';
  });

  test('an honest session of sixty rounds with its accidents ends with the balance that the studio has', async () => {
    const report = count(
      await order('play', {
        session,
        rounds: 60,
        seed: dialect,
        duplicate: true,
        rollback: true,
        rollbackBeforeBet: true,
        leaveOpen: 1,
        jackpot: true,
      }),
    );
    expect(broken(report)).toEqual([]);
    // One was refused as too late, and the jackpot's comes on top.
    expect(report.totals.betCount).toBe(60);
    expect(report.openRounds).toHaveLength(1);
    const released = count(await order('release', { round: report.openRounds[0] }));
    expect(BigInt(released.totals.net)).toBeGreaterThan(0n);
    expect(await cashOf(player)).toBe(500n * euro + booked);
  });

  test.each(tricksOf(dialect).filter((trick) => trick !== 'burst'))(
    '%s moves no more than it should',
    async (trick) => {
      const before = await cashOf(player);
      const report = await perform(trick);
      expect(broken(report)).toEqual([]);
      expect(report.expectations.length).toBeGreaterThan(0);
      expect(report.balance.matches).toBe(true);
      expect((await cashOf(player)) - before).toBe(BigInt(report.totals.net) * unitsIn[dialect]);
    },
  );

  test('all tricks at once are each answered by their rules', async () => {
    // Two read the balance in the middle and cannot be played beside others.
    const alone: readonly Trick[] = ['burst', 'overdraw', 'broken_batches', 'late_rollback', 'old_token'];
    const crowd = tricksOf(dialect).filter((trick) => !alone.includes(trick));
    const reports = await Promise.all(crowd.map((trick) => perform(trick, { count: 4 })));
    expect(reports.map(broken)).toEqual(reports.map(() => []));
    expect(await cashOf(player)).toBe(500n * euro + booked);
  });

  test('a burst of bets that together exceed the balance spends what there is and not a unit more', async () => {
    const before = await cashOf(player);
    const nine = 9n * euro;
    const report = await perform('burst', { stake: String(nine / unitsIn[dialect]), count: 100 });
    expect(broken(report)).toEqual([]);
    expect(report.totals.betCount).toBe(Number(before / nine));
    expect(await cashOf(player)).toBe(before % nine);
    expect(await cashOf(player)).toBe(500n * euro + booked);
  });

  test('the demo never calls the wallet, and a real page plays with it', async () => {
    const calls = () => studio.log.filter(({ event }) => event === 'wallet_call').length;
    const other = await rig.fundedPlayer(5n * euro);
    for (const whose of [null, other]) {
      const before = calls();
      const url = new URL(await operator.launch(dialect, whose));
      expect(await (await fetch(url)).text()).toContain('id="spin"');
      const spin = await fetch(new URL('/play/spin', url), {
        method: 'POST',
        body: JSON.stringify({
          session: url.searchParams.get('session'),
          stake: String(euro / unitsIn[dialect]),
        }),
      });
      expect(await spin.json()).toMatchObject({ taken: true });
      expect(calls() > before).toBe(whose !== null);
    }
  });

  test('free rounds that were issued are played, and a cancelled issue is not', async () => {
    const winner = await rig.fundedPlayer(5n * euro);
    await operator.launch(dialect, winner);
    const id = await issued(dialect, winner);
    const cancelled = await issued(dialect, winner);
    expect((await operator.cancel(dialect, cancelled)).http).toBe(200);
    const before = await cashOf(winner);
    const report = await order('free-rounds', { dialect, id, duplicate: true });
    expect(broken(report)).toEqual([]);
    expect(report.totals.winCount).toBeGreaterThan(0);
    // Where the winnings go is the wallet's rule; that no stake was taken is everybody's.
    expect(await cashOf(winner)).toBeGreaterThanOrEqual(before);
    expect((await operator.cancel(dialect, id)).http).not.toBe(200);
    const gone = await fetch(`${studio.url}/_scenario/free-rounds`, {
      method: 'POST',
      body: JSON.stringify({ dialect, id: cancelled }),
    });
    expect(gone.status).toBe(404);
  });
});

/** Free rounds that both sides know: the operator's row where its dialect asks for one, and the provider's answer. */
async function issued(dialect: DialectName, player: RigPlayer): Promise<string> {
  const id = randomUUID();
  if (dialect === 'a8r-v2' || dialect === 'a8r-v1')
    await database.db
      .insertInto('games.freeRoundIssue')
      .values({
        integration: integrationOf[dialect],
        issueId: id,
        playerId: player.id,
        asset: 'EUR',
        gameCode: 'pbs:dragonvault',
      })
      .execute();
  const first = await operator.issue(dialect, player, id);
  expect(first.http).toBe(200);
  // The same id is the same issue.
  expect(await operator.issue(dialect, player, id)).toEqual(first);
  return id;
}

test('after all of it the ledger is proven', async () => {
  expect(await rig.unproven()).toEqual([]);
});
