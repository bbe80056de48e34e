/**
 * The studio against the real wallet in all four dialects: the honest session, every hostile trick, free rounds. What the
 * studio's own book says must be what the platform's ledger says, to the last unit.
 */
import { createHmac, randomUUID, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dialectNames, type DialectName } from '#sandbox/game-studio/wallet-wire.ts';
import { tricksOf, type Trick } from '#sandbox/game-studio/studio-orders.schema.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { freePort } from '#test/support/ports.ts';
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
  // Two cores and a whole test run beside it: patience costs nothing where answers come.
  await fetch(`${studio.url}/_scenario`, {
    method: 'PUT',
    body: JSON.stringify({ timeoutMs: 5_000, retries: 3, retryPauseMs: 50 }),
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

const broken = ({ expectations }: Report) => expectations.filter(({ ok }) => !ok);

const cashOf = async ({ id }: RigPlayer): Promise<bigint> => {
  const { rows } = await database.pool.query('select cash from wallet.player_wallet where player_id = $1', [
    id,
  ]);
  return BigInt(rows[0].cash);
};

/** One operator's call in the dialect's own words and signature. */
async function launch(dialect: DialectName, player: RigPlayer | null): Promise<string> {
  const real = player !== null;
  if (dialect === 'hub88' || dialect === 'caleta') {
    const answer = await rsCall(dialect, 'game/url', {
      game_code: 'pbs_dragonvault',
      country: 'MT',
      lang: 'en',
      lobby_url: 'http://127.0.0.1/lobby',
      deposit_url: 'http://127.0.0.1/deposit',
      ip: '203.0.113.7',
      platform: 'GPL_DESKTOP',
      ...(real
        ? {
            currency: 'EUR',
            user: player.id,
            token: player.tokens[dialect === 'hub88' ? 'studio' : 'studio-caleta'],
          }
        : { currency: 'XXX' }),
    });
    return String(answer.body['url']);
  }
  const common = {
    client_type: 'desktop',
    game: 'pbs:dragonvault',
    ip: '203.0.113.7',
    locale: 'en',
    urls: { return_url: 'http://127.0.0.1/lobby' },
  };
  if (dialect === 'a8r-v2') {
    const answer = real
      ? await a8rCall('a8r/v2/casino_a8r.Launcher/Real', {
          ...common,
          jurisdiction: 'MT',
          player: { id: player.id, currency: 'EUR', country: 'MT' },
        })
      : await a8rCall('a8r/v2/casino_a8r.Launcher/Demo', common);
    return String(answer.body['launch_url']);
  }
  const answer = real
    ? await a8rCall('gcp/sessions', { ...common, currency: 'EUR', user: { id: player.id, country: 'MT' } })
    : await a8rCall('gcp/demo', common);
  return String((answer.body['launch_options'] as { game_url: string }).game_url);
}

type Answer = { readonly http: number; readonly body: Record<string, unknown> };

async function post(path: string, body: string, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(`${studio.url}/${path}`, { method: 'POST', body, headers });
  return { http: response.status, body: JSON.parse(await response.text()) };
}

function rsCall(dialect: 'hub88' | 'caleta', path: string, fields: object): Promise<Answer> {
  const body = JSON.stringify({ operator_id: 'pitboss', ...fields });
  const signature = sign('RSA-SHA256', Buffer.from(body), rig.keys.operatorPrivateKey).toString('base64');
  return dialect === 'hub88'
    ? post(`operator/generic/v2/${path}`, body, { 'x-hub88-signature': signature })
    : post(`caleta/operator/generic/v2/${path}`, body, { 'x-auth-signature': signature });
}

function a8rCall(path: string, fields: object): Promise<Answer> {
  const body = JSON.stringify({ casino_id: 'pitboss', ...fields });
  const token = path.startsWith('gcp') ? rig.keys.a8rV1Token : rig.keys.a8rV2Token;
  return post(path, body, { 'x-request-sign': createHmac('sha256', token).update(body).digest('hex') });
}

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
    const url = await launch(dialect, player);
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
      }),
    );
    expect(broken(report)).toEqual([]);
    expect(report.totals.betCount).toBe(59);
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
      const url = new URL(await launch(dialect, whose));
      expect(await (await fetch(url)).text()).toContain('id="spin"');
      const spin = await post(
        'play/spin',
        JSON.stringify({
          session: url.searchParams.get('session'),
          stake: String(euro / unitsIn[dialect]),
        }),
        {},
      );
      expect(spin.body).toMatchObject({ taken: true });
      expect(calls() > before).toBe(whose !== null);
    }
  });

  test('free rounds that were issued are played, and a cancelled issue is not', async () => {
    const winner = await rig.fundedPlayer(5n * euro);
    await launch(dialect, winner);
    const id = await issue(dialect, winner);
    const cancelled = await issue(dialect, winner);
    expect((await cancel(dialect, cancelled)).http).toBe(200);
    const before = await cashOf(winner);
    const report = await order('free-rounds', { dialect, id, duplicate: true });
    expect(broken(report)).toEqual([]);
    expect(report.totals.winCount).toBeGreaterThan(0);
    // Where the winnings go is the wallet's rule; that no stake was taken is everybody's.
    expect(await cashOf(winner)).toBeGreaterThanOrEqual(before);
    expect((await cancel(dialect, id)).http).not.toBe(200);
    const gone = await fetch(`${studio.url}/_scenario/free-rounds`, {
      method: 'POST',
      body: JSON.stringify({ dialect, id: cancelled }),
    });
    expect(gone.status).toBe(404);
  });
});

/** An issue that both sides know: the operator's row, and the provider's answer. */
async function issue(dialect: DialectName, player: RigPlayer): Promise<string> {
  const id = randomUUID();
  if (dialect === 'hub88' || dialect === 'caleta') {
    const list = await rsCall(dialect, 'freebet/prepaids/list', {
      game_code: 'pbs_dragonvault',
      currency: 'EUR',
    });
    const [prepaid] = list.body as unknown as { prepaid_uuid: string }[];
    const reward = { user: player.id, prepaid_uuid: prepaid?.prepaid_uuid, reward_uuid: id };
    const made = await rsCall(dialect, 'freebet/rewards/create', reward);
    expect(made.body).toMatchObject({ reward_uuid: id, status: 'FRS_ACTIVE', bet_count: 10 });
    expect((await rsCall(dialect, 'freebet/rewards/create', reward)).body).toEqual(made.body);
    return id;
  }
  const terms = {
    issue_id: id,
    freespins_quantity: 10,
    games: ['pbs:dragonvault'],
    valid_until: new Date(Date.now() + 7 * 86_400_000).toISOString(),
  };
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
  const made =
    dialect === 'a8r-v2'
      ? await a8rCall('a8r/v2/casino_a8r.Freespins/Issue', {
          ...terms,
          bet_amount: '0.5',
          player: { id: player.id, currency: 'EUR', country: 'MT' },
        })
      : await a8rCall('gcp/freespins/issue', { ...terms, currency: 'EUR', user: { id: player.id } });
  expect(made.http).toBe(200);
  return id;
}

function cancel(dialect: DialectName, id: string): Promise<Answer> {
  if (dialect === 'hub88' || dialect === 'caleta')
    return rsCall(dialect, 'freebet/rewards/cancel', { reward_uuid: id });
  return dialect === 'a8r-v2'
    ? a8rCall('a8r/v2/casino_a8r.Freespins/Cancel', { issue_id: id, provider: 'pbs' })
    : a8rCall('gcp/freespins/cancel', { issue_id: id });
}

test('after all of it the ledger is proven', async () => {
  expect(await rig.unproven()).toEqual([]);
});
