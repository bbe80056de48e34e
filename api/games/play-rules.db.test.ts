/** What a game call can carry beside a stake: call ids, jackpots, free rounds, promotions, caps. On real rows, in the dialects' words. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ProviderTransaction } from '#activities/games/providers.ts';
import { createRoundActivities } from '#activities/games/rounds.ts';
import { expireGameSessions } from '#activities/wallet/player-wallet.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  betBody,
  betCallOf,
  dialects,
  euro,
  gameOf,
  openWalletDoors,
  type DoorPlayer,
  type WalletDoors,
} from '#test/support/wallet-doors.ts';

let database: TestDatabase;
let doors: WalletDoors;

beforeAll(async () => {
  database = await createTestDatabase();
  doors = await openWalletDoors(database);
  await database.pool.query(
    "update games.game set jackpot_pool = 'mega', jackpot_contribution_bps = 100 where code like '%pooled'",
  );
  for (const dialect of dialects) {
    await database.pool.query(
      `insert into games.stake_cap (integration, game_code, asset, jurisdiction, amount)
       values ($1, $2, 'EUR', '*', $3), ($1, $2, 'EUR', 'GB', $4)`,
      [dialect, gameOf(dialect, 'capped'), String(5n * euro), String(2n * euro)],
    );
  }
});

afterAll(async () => {
  const checks = await verifyLedger(database.db);
  await doors?.close();
  await database?.drop();
  expect(checks.flatMap(({ name, findings }) => findings.map((finding) => `${name}: ${finding}`))).toEqual(
    [],
  );
});

const rs = (player: DoorPlayer, more: Record<string, unknown> = {}) => betBody('hub88', player, more);
const bet = async (body: object) => (await doors.call('hub88', 'transaction/bet', body)).body;
const win = async (body: object) => (await doors.call('hub88', 'transaction/win', body)).body;
const rollback = async (body: object) => (await doors.call('hub88', 'transaction/rollback', body)).body;
const ok = (balance: number) => ({ status: 'RS_OK', balance });

async function journalOf(externalId: unknown) {
  const { rows } = await database.ownerPool.query(
    `select j.code, j.amount, j.details, (select coalesce(json_agg(json_build_object('account', e.account, 'units', e.amount::text) order by e.line), '[]')
       from wallet.entry e where e.journal_id = j.id) as entries,
       (select o.payload from compliance.outbox o where o.payload->>'journalId' = j.id::text) as event
     from wallet.journal j where j.external_id = $1`,
    [externalId],
  );
  return rows[0] as {
    code: string;
    amount: string;
    details: Record<string, Record<string, unknown>> | null;
    entries: { account: string; units: string }[];
    event: Record<string, unknown>;
  };
}
const unitsOn = (journal: { entries: { account: string; units: string }[] }, account: string): bigint =>
  journal.entries.reduce((sum, line) => (line.account === account ? sum + BigInt(line.units) : sum), 0n);
async function poolBalance(): Promise<bigint> {
  const { rows } = await database.ownerPool.query<{ sum: string }>(
    "select coalesce(sum(amount), 0)::text as sum from wallet.entry where account = 'jackpot:mega'",
  );
  return BigInt(rows[0]?.sum ?? 0);
}

describe('the id of a call and the id of its money', () => {
  test('a repeated call moves nothing, whatever transaction it names', async () => {
    const player = await doors.player();
    const placed = rs(player);
    expect(await bet(placed)).toMatchObject(ok(900_000));
    const other = { ...placed, transaction_uuid: randomUUID(), amount: 300_000 };
    expect(await bet(other)).toMatchObject(ok(900_000));
    // More than there is: still the answer of the first call, and not a refusal of its own.
    expect(await bet({ ...other, transaction_uuid: randomUUID(), amount: 99_000_000 })).toMatchObject(
      ok(900_000),
    );
    expect(
      await bet({
        ...placed,
        request_uuid: String(placed['request_uuid']).toUpperCase(),
        transaction_uuid: randomUUID(),
      }),
    ).toMatchObject(ok(900_000));
    expect(await journalOf(other.transaction_uuid)).toBeUndefined();
  });

  test('a win and a rollback under the id of an earlier call move nothing either', async () => {
    const player = await doors.player();
    const placed = rs(player);
    await bet(placed);
    const { request_uuid } = placed;
    const answer = { request_uuid, reference_transaction_uuid: placed['transaction_uuid'] };
    expect(await win(rs(player, answer))).toMatchObject(ok(900_000));
    expect(await rollback(rs(player, answer))).toMatchObject(ok(900_000));
    expect(await rollback(rs(player, { ...answer, request_uuid: randomUUID() }))).toMatchObject(
      ok(1_000_000),
    );
  });

  test('of twenty transactions at once under one call id, one moves money', async () => {
    const player = await doors.player();
    const request_uuid = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => bet(rs(player, { request_uuid }))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['RS_OK']));
    expect((await doors.wallet(player)).cash).toBe(9n * euro);
  });

  test('the call id of one player is no call of another', async () => {
    const [ann, ben] = [await doors.player(), await doors.player()];
    const placed = rs(ann);
    await bet(placed);
    expect(await bet(rs(ben, { request_uuid: placed['request_uuid'] }))).toMatchObject({
      status: 'RS_ERROR_DUPLICATE_TRANSACTION',
    });
    expect((await doors.wallet(ben)).cash).toBe(10n * euro);
  });

  test('a refused call did nothing, so it is decided again when it comes again', async () => {
    const player = await doors.player(euro);
    const placed = rs(player, { amount: 200_000 });
    expect(await bet(placed)).toMatchObject({ status: 'RS_ERROR_NOT_ENOUGH_MONEY' });
    expect(await bet({ ...placed, transaction_uuid: randomUUID(), amount: 100_000 })).toMatchObject(ok(0));
  });
});

describe('rollbacks are taken whatever they name', () => {
  test('a rollback of a rollback, and one of itself', async () => {
    const player = await doors.player();
    const placed = rs(player);
    await bet(placed);
    const undo = rs(player, { reference_transaction_uuid: placed['transaction_uuid'] });
    expect(await rollback(undo)).toMatchObject(ok(1_000_000));
    expect(
      await rollback(rs(player, { reference_transaction_uuid: undo['transaction_uuid'] })),
    ).toMatchObject(ok(1_000_000));
    const id = randomUUID();
    for (const _ of [1, 2])
      expect(
        await rollback(rs(player, { transaction_uuid: id, reference_transaction_uuid: id, round: 'own' })),
      ).toMatchObject(ok(1_000_000));
    expect(await bet(rs(player, { transaction_uuid: id }))).toMatchObject({
      status: 'RS_ERROR_TRANSACTION_ROLLED_BACK',
    });
    const batch = betBody('a8r-v2', player, { transactions: [{ id: randomUUID(), original_id: id }] });
    expect((await doors.call('a8r-v2', 'Round/Rollback', batch)).http).toBe(200);
  });

  test('a win or rollback settles under a token that is another’s, for the player that it names', async () => {
    const [ann, ben] = [await doors.player(), await doors.player()];
    const placed = rs(ann);
    await bet(placed);
    const foreign = {
      token: ben.tokens.hub88,
      user: ann.id,
      reference_transaction_uuid: placed['transaction_uuid'],
    };
    expect(await win(rs(ann, foreign))).toMatchObject({ ...ok(1_000_000), user: ann.id });
    expect(await rollback(rs(ann, foreign))).toMatchObject(ok(1_100_000));
    expect(await bet(rs(ann, foreign))).toMatchObject({ status: 'RS_ERROR_INVALID_TOKEN' });
    expect(await win(rs(ann, { ...foreign, user: 'somebody' }))).toMatchObject({
      status: 'RS_ERROR_INVALID_TOKEN',
    });
    expect((await doors.wallet(ben)).cash).toBe(10n * euro);
  });
});

test('a rollback ends its round, whether or not what it undoes ever came', async () => {
  const player = await doors.player();
  const round = randomUUID();
  const stateOf = async () =>
    (await database.pool.query('select state from games.round where round_ref = $1', [round])).rows[0]?.state;
  await bet(rs(player, { round }));
  const undo = (round_closed: boolean) =>
    rollback(rs(player, { round, round_closed, reference_transaction_uuid: randomUUID() }));
  expect(await undo(false)).toMatchObject(ok(900_000));
  expect(await stateOf()).toBe('open');
  expect(await undo(true)).toMatchObject(ok(900_000));
  expect(await stateOf()).toBe('settled');
});

describe('a game that is withdrawn', () => {
  test.each(dialects)(
    '%s: a bet that it took is still answered for, and no new one is taken',
    async (dialect) => {
      const player = await doors.player();
      const placed = betBody(dialect, player);
      const first = await doors.call(dialect, betCallOf[dialect], placed);
      await database.pool.query('update games.game set enabled = false where integration = $1', [dialect]);
      const later = await openSecondProcess();
      try {
        const again = await later.call(dialect, betCallOf[dialect], placed);
        expect(again.body).toEqual(first.body);
        const refused = await later.call(dialect, betCallOf[dialect], betBody(dialect, player));
        expect(refused.text).toMatch(/RS_ERROR_INVALID_GAME|"400"|"code":107/);
      } finally {
        await later.close();
        await database.pool.query('update games.game set enabled = true where integration = $1', [dialect]);
      }
      expect((await doors.wallet(player)).cash).toBe(9n * euro);
    },
  );
});

/** What the `round` workflow does with what a provider tells about its round. */
const settle = async (player: DoorPlayer, roundRef: string, transaction: Partial<ProviderTransaction>) =>
  createRoundActivities({ db: database.db, gameProviders: new Map() }).settleRound({
    round: { integration: 'hub88', roundRef, playerId: player.id },
    transactions: [
      {
        externalId: randomUUID(),
        referenceExternalId: null,
        kind: 'win',
        wireAmount: '0',
        jackpotWireAmount: null,
        ...transaction,
      },
    ],
  });

/** Another process has another memory of the catalogue. */
async function openSecondProcess(): Promise<WalletDoors> {
  return openWalletDoors(database, {}, { isFirst: false });
}

describe('a jackpot of ours', () => {
  test('takes its share of real stakes with the bet, gives it back with the rollback, and pays its part of a win', async () => {
    const player = await doors.player();
    const before = await poolBalance();
    const placed = rs(player, { game_code: 'pooled', amount: 250_001 });
    await bet(placed);
    const taken = await journalOf(placed['transaction_uuid']);
    const share = (2_500_010_000_000n * 100n) / 10_000n;
    expect(unitsOn(taken, 'jackpot:mega')).toBe(share);
    expect(unitsOn(taken, 'house:jackpot-cost')).toBe(-share);
    expect(unitsOn(taken, 'house:casino:gaming')).toBe(2_500_010_000_000n);

    const won = rs(player, {
      game_code: 'pooled',
      amount: 500_000,
      jackpot_win: 400_000,
      reference_transaction_uuid: placed['transaction_uuid'],
    });
    expect(await win(won)).toMatchObject(ok(1_249_999));
    const paid = await journalOf(won['transaction_uuid']);
    expect([
      unitsOn(paid, 'cash'),
      unitsOn(paid, 'jackpot:mega'),
      unitsOn(paid, 'house:casino:gaming'),
    ]).toEqual([5n * euro, -4n * euro, -1n * euro]);
    expect(paid.event['jackpot']).toEqual({ pool: 'mega', contribution: null, win: String(4n * euro) });
    expect(paid.details?.['jackpot']).toEqual(paid.event['jackpot']);

    for (const original of [won, placed])
      await rollback(
        rs(player, { game_code: 'pooled', reference_transaction_uuid: original['transaction_uuid'] }),
      );
    expect(await poolBalance()).toBe(before);
    expect(await doors.wallet(player)).toEqual({ cash: 10n * euro, bonus: 0n, receivable: 0n });
  });

  test('pays its part of a win that the provider was asked about, too', async () => {
    const player = await doors.player();
    const round = randomUUID();
    const placed = rs(player, { game_code: 'pooled', round });
    await bet(placed);
    const before = await poolBalance();
    const told = {
      externalId: randomUUID(),
      referenceExternalId: String(placed['transaction_uuid']),
      wireAmount: '500000',
    };
    expect(await settle(player, round, { ...told, jackpotWireAmount: '400000' })).toMatchObject({
      applied: 1,
    });
    expect((await poolBalance()) - before).toBe(-4n * euro);
    const paid = await journalOf(told.externalId);
    expect(unitsOn(paid, 'house:casino:gaming')).toBe(-1n * euro);
    expect(paid.event['jackpot']).toEqual({ pool: 'mega', contribution: null, win: String(4n * euro) });
    const late = rs(player, {
      game_code: 'pooled',
      round,
      amount: 500_000,
      jackpot_win: 400_000,
      transaction_uuid: told.externalId,
      reference_transaction_uuid: told.referenceExternalId,
    });
    expect(await win(late)).toMatchObject(ok(1_400_000));
  });

  test('is fed and paid in every dialect; what exceeds the win pays nothing', async () => {
    const player = await doors.player();
    const before = await poolBalance();
    await doors.call('caleta', 'wallet/bet', betBody('caleta', player, { game_code: 'pooled' }));
    await doors.call('a8r-v2', 'Round/BetWin', betBody('a8r-v2', player, { game_id: 'acme:pooled' }));
    const played = betBody('a8r-v1', player, {
      game: 'acme:pooled',
      actions: [
        { action: 'bet', action_id: randomUUID(), amount: 100 },
        { action: 'win', action_id: randomUUID(), amount: 50, jackpot_win: 80 },
      ],
    });
    expect((await doors.call('a8r-v1', 'play', played)).body).toMatchObject({ balance: 750 });
    expect((await poolBalance()) - before).toBe((3n * euro) / 100n - euro / 2n);
  });

  test('gets nothing of bonus money', async () => {
    const player = await doors.player(0n);
    await giveBonus(player, 5n * euro);
    const placed = rs(player, { game_code: 'pooled' });
    expect(await bet(placed)).toMatchObject(ok(400_000));
    expect((await journalOf(placed['transaction_uuid'])).entries.map(({ account }) => account)).toEqual([
      'bonus',
      'house:casino:gaming',
    ]);
  });
});

test('what a provider reports of its own jackpot is kept beside the journal and moves nothing', async () => {
  const player = await doors.player();
  const actions = [
    { action: 'bet', action_id: randomUUID(), amount: 100, jackpot_contribution: 0.125 },
    { action: 'win', action_id: randomUUID(), amount: 300, jackpot_win: 200 },
  ];
  expect((await doors.call('a8r-v1', 'play', betBody('a8r-v1', player, { actions }))).body).toMatchObject({
    balance: 1_200,
  });
  const [placed, won] = [await journalOf(actions[0]?.action_id), await journalOf(actions[1]?.action_id)];
  expect(placed.event['jackpot']).toEqual({ pool: null, contribution: '1250000000', win: null });
  expect(won.event['jackpot']).toEqual({ pool: null, contribution: null, win: String(2n * euro) });
  expect([placed, won].flatMap(({ entries }) => entries.map(({ account }) => account))).toEqual([
    'cash',
    'house:casino:gaming',
    'cash',
    'house:casino:gaming',
  ]);
});

describe('free rounds', () => {
  const issue = async (
    player: DoorPlayer,
    integration: (typeof dialects)[number],
    wageringTimes: number | null,
  ): Promise<string> => {
    const issueId = randomUUID();
    await database.db
      .insertInto('games.freeRoundIssue')
      .values({
        integration,
        issueId,
        playerId: player.id,
        asset: 'EUR',
        gameCode: gameOf(integration),
        wageringTimes,
      })
      .execute();
    return issueId;
  };
  const awardOf = async (player: DoorPlayer) => {
    const { rows } = await database.ownerPool.query(
      `select a.amount, a.wagering, a.state, a.granted_by, w.award_wagering_left as left,
         (select count(*)::int from compliance.outbox o where o.type = 'bonus.award.granted' and o.payload->>'awardId' = a.id::text) as facts
       from bonus.award a join wallet.player_wallet w on w.award_id = a.id where a.player_id = $1`,
      [player.id],
    );
    return rows as Record<string, unknown>[];
  };

  test('a free bet is recorded, stakes nothing, and its winnings become bonus money under the reward’s wagering', async () => {
    const player = await doors.player(euro);
    const reward_uuid = await issue(player, 'hub88', 20);
    const free = { is_free: true, reward_uuid, campaign_uuid: randomUUID(), round: 'free' };
    const placed = rs(player, { ...free, amount: 500_000 });
    expect(await bet(placed)).toMatchObject(ok(100_000));
    expect(await journalOf(placed['transaction_uuid'])).toMatchObject({
      code: 'bet.place',
      amount: '0',
      entries: [],
      details: {
        free: {
          stake: String(5n * euro),
          rewardId: reward_uuid,
          campaignId: free.campaign_uuid,
          supplierPromo: false,
        },
      },
      event: { free: { stake: String(5n * euro), rewardId: reward_uuid } },
    });

    const won = rs(player, {
      ...free,
      amount: 1_234_000,
      reference_transaction_uuid: placed['transaction_uuid'],
    });
    for (const _ of [1, 2]) expect(await win(won)).toMatchObject(ok(1_334_000));
    const [award, ...none] = await awardOf(player);
    expect(none).toEqual([]);
    expect(award).toEqual({
      amount: '12340000000000',
      wagering: '246800000000000',
      left: '246800000000000',
      state: 'active',
      granted_by: null,
      facts: 1,
    });
    expect(await journalOf(won['transaction_uuid'])).toMatchObject({
      code: 'free.win',
      entries: [
        { account: 'bonus', units: '12340000000000' },
        { account: 'house:bonus-cost', units: '-12340000000000' },
      ],
    });

    // The next win of the reward joins the award; a rollback takes back what it brought.
    const second = { ...won, request_uuid: randomUUID(), transaction_uuid: randomUUID(), amount: 100_000 };
    expect(await win(second)).toMatchObject(ok(1_434_000));
    expect((await awardOf(player))[0]).toMatchObject({ left: '266800000000000' });
    await rollback(rs(player, { round: 'free', reference_transaction_uuid: second.transaction_uuid }));
    expect((await awardOf(player))[0]).toMatchObject({ left: '246800000000000' });
    expect(await doors.wallet(player)).toEqual({ cash: euro, bonus: 12_340_000_000_000n, receivable: 0n });
  });

  test('winnings that the provider was asked about keep the terms of the reward', async () => {
    const player = await doors.player(0n);
    const rewarded = async (wageringTimes: number | null) => {
      const round = randomUUID();
      const reward_uuid = await issue(player, 'hub88', wageringTimes);
      const placed = rs(player, { is_free: true, reward_uuid, round });
      await bet(placed);
      const told = {
        externalId: randomUUID(),
        referenceExternalId: String(placed['transaction_uuid']),
        wireAmount: '300000',
      };
      for (const applied of [1, 0])
        expect(await settle(player, round, told)).toEqual({ applied, settled: true });
      return { ...told, round, reward_uuid };
    };
    const told = await rewarded(20);
    expect(await journalOf(told.externalId)).toMatchObject({
      code: 'free.win',
      details: { free: { stake: null, rewardId: told.reward_uuid, supplierPromo: false } },
      entries: [{ account: 'bonus' }, { account: 'house:bonus-cost' }],
    });
    expect((await awardOf(player))[0]).toMatchObject({ left: String(60n * euro), state: 'active', facts: 1 });
    const late = rs(player, {
      is_free: true,
      reward_uuid: told.reward_uuid,
      round: told.round,
      amount: 300_000,
      transaction_uuid: told.externalId,
      reference_transaction_uuid: told.referenceExternalId,
    });
    expect(await win(late)).toMatchObject(ok(300_000));
    await rewarded(null);
    expect(await doors.wallet(player)).toEqual({ cash: 3n * euro, bonus: 3n * euro, receivable: 0n });
  });

  test('a reward without wagering, and one that is none of ours, pay real money at the cost of bonuses', async () => {
    const player = await doors.player(0n);
    for (const reward_uuid of [await issue(player, 'hub88', null), randomUUID()]) {
      const free = { is_free: true, reward_uuid };
      const placed = rs(player, free);
      await bet(placed);
      const won = rs(player, { ...free, reference_transaction_uuid: placed['transaction_uuid'] });
      expect((await win(won))['status']).toBe('RS_OK');
      expect(unitsOn(await journalOf(won['transaction_uuid']), 'house:bonus-cost')).toBe(-euro);
    }
    expect(await doors.wallet(player)).toEqual({ cash: 2n * euro, bonus: 0n, receivable: 0n });
  });

  test('winnings that name no reward are paid under the terms of the one that their bet named', async () => {
    const player = await doors.player(0n);
    const placed = rs(player, { is_free: true, reward_uuid: await issue(player, 'hub88', 20) });
    await bet(placed);
    const won = rs(player, { is_free: true, reference_transaction_uuid: placed['transaction_uuid'] });
    expect((await win(won))['status']).toBe('RS_OK');
    expect(await doors.wallet(player)).toEqual({ cash: 0n, bonus: euro, receivable: 0n });
    expect((await awardOf(player))[0]).toMatchObject({ left: String(20n * euro), state: 'active' });
  });

  test('the terms of a reward are its player’s alone', async () => {
    const [ann, ben] = [await doors.player(0n), await doors.player(0n)];
    const free = { is_free: true, reward_uuid: await issue(ann, 'hub88', 20) };
    const placed = rs(ben, free);
    await bet(placed);
    await win(rs(ben, { ...free, reference_transaction_uuid: placed['transaction_uuid'] }));
    expect(await doors.wallet(ben)).toEqual({ cash: euro, bonus: 0n, receivable: 0n });
  });

  test.each([
    [
      'a8r-v2',
      'Freespins/Finish',
      (id: string, amount: number) => ({ issue_id: id, amount: String(amount) }),
    ],
    [
      'a8r-v1',
      'freespins',
      (id: string, amount: number) => ({ issue_id: id, status: 'played', total_amount: amount * 100 }),
    ],
  ] as const)('%s: one total per issue, once, under the terms of the issue', async (dialect, call, body) => {
    const player = await doors.player(euro);
    const id = await issue(player, dialect, 10);
    const one = dialect === 'a8r-v2' ? '4' : 400;
    for (const amount of [3, 3, 7]) {
      expect((await doors.call(dialect, call, body(id, amount))).body).toEqual({ balance: one });
    }
    expect((await awardOf(player))[0]).toMatchObject({
      amount: String(3n * euro),
      left: String(30n * euro),
      facts: 1,
    });
    const fifty = await Promise.all(Array.from({ length: 20 }, () => doors.call(dialect, call, body(id, 3))));
    expect(new Set(fifty.map(({ http }) => http))).toEqual(new Set([200]));
    expect((await doors.wallet(player)).bonus).toBe(3n * euro);
    // A round of real money goes on beside it: real money first, then the bonus, told per transaction.
    if (dialect === 'a8r-v2') {
      const played = await doors.call(
        dialect,
        'Round/BetWin',
        betBody(dialect, player, { transactions: [{ id: 'b', type: 'bet', amount: '2' }] }),
      );
      expect(played.body).toMatchObject({ balance: '2', transactions: [{ bonus_amount: '1' }] });
    }
  });

  test('the terms that staff order with are the terms of what is won', async () => {
    const player = await doors.player(0n);
    const order = async (winnings: object) =>
      doors.app.send(
        'POST',
        '/admin/v1/free-rounds',
        {
          playerId: player.id,
          integration: 'hub88',
          games: [gameOf('hub88')],
          asset: 'EUR',
          count: 10,
          days: 7,
          prepaidId: 'offer-1',
          winnings,
          reason: 'a welcome',
        },
        { token: await doors.app.signInAs(['content']), key: randomUUID() },
      );
    expect((await order({ wageringTimes: 3, betMax: '0.001', days: 14 })).body['code']).toBe(
      'amount-too-precise',
    );
    expect((await order({ wageringTimes: 101, days: 14 })).status).toBe(400);
    const ordered = await order({ wageringTimes: 3, betMax: '5.00', days: 14 });
    expect(ordered.status).toBe(202);
    const free = { is_free: true, reward_uuid: ordered.body['id'] };
    const placed = rs(player, free);
    await bet(placed);
    const reference_transaction_uuid = placed['transaction_uuid'];
    const won = rs(player, { ...free, reference_transaction_uuid, amount: 200_000 });
    expect(await win(won)).toMatchObject(ok(200_000));
    const { rows } = await database.ownerPool.query(
      `select wagering::text, bet_max::text, round(extract(epoch from expires_at - granted_at) / 86400)::int as days
       from bonus.award where player_id = $1`,
      [player.id],
    );
    expect(rows).toEqual([{ wagering: (6n * euro).toString(), bet_max: (5n * euro).toString(), days: 14 }]);
  });

  test.each([
    ['an hour of the past', Date.UTC(2001, 0, 1)],
    ['an hour of the next century', Date.UTC(2101, 0, 1)],
  ])('an award lasts its days by the database’s clock while this machine shows %s', async (_when, now) => {
    const player = await doors.player(0n);
    const free = { is_free: true, reward_uuid: await issue(player, 'hub88', 5) };
    const placed = rs(player, free);
    await bet(placed);
    vi.useFakeTimers({ toFake: ['Date'], now });
    const answer = await win(
      rs(player, { ...free, reference_transaction_uuid: placed['transaction_uuid'] }),
    ).finally(() => vi.useRealTimers());
    expect(answer).toMatchObject(ok(100_000));
    const { rows } = await database.ownerPool.query(
      `select round(extract(epoch from a.expires_at - clock_timestamp()) / 86400)::int as days,
         w.award_expires_at = a.expires_at as alike
       from bonus.award a join wallet.player_wallet w on w.award_id = a.id where a.player_id = $1`,
      [player.id],
    );
    expect(rows).toEqual([{ days: 30, alike: true }]);
  });

  test('winnings that race for one reward open one award', async () => {
    const player = await doors.player(0n);
    const free = { is_free: true, reward_uuid: await issue(player, 'hub88', 5) };
    const placed = rs(player, free);
    await bet(placed);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        win(rs(player, { ...free, reference_transaction_uuid: placed['transaction_uuid'] })),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['RS_OK']));
    expect(await awardOf(player)).toHaveLength(1);
    expect((await awardOf(player))[0]).toMatchObject({ left: String(40n * euro) });
    expect((await doors.wallet(player)).bonus).toBe(8n * euro);
  });
});

describe('a promotion of the supplier', () => {
  const promo = { is_supplier_promo: true, meta: { supplier_promo_info: { promo_reference: 'drops-7' } } };

  test('plays under an ended token, touches no money, and its win needs no bet', async () => {
    const player = await doors.player(euro);
    await database.db.transaction().execute((trx) => expireGameSessions(trx, player.id));
    expect(await bet(rs(player))).toMatchObject({ status: 'RS_ERROR_TOKEN_EXPIRED' });
    expect(await bet(rs(player, { is_free: true }))).toMatchObject({ status: 'RS_ERROR_TOKEN_EXPIRED' });
    const placed = rs(player, { ...promo, amount: 900_000 });
    expect(await bet(placed)).toMatchObject(ok(100_000));
    const won = rs(player, { ...promo, amount: 200_000 });
    expect(await win(won)).toMatchObject(ok(300_000));
    expect(await win(won)).toMatchObject(ok(300_000));
    expect(
      await win({
        ...won,
        transaction_uuid: randomUUID(),
        request_uuid: randomUUID(),
        is_supplier_promo: false,
      }),
    ).toMatchObject({ status: 'RS_ERROR_WRONG_SYNTAX' });
    expect(await journalOf(won['transaction_uuid'])).toMatchObject({
      code: 'free.win',
      details: { free: { supplierPromo: true, promoReference: 'drops-7' } },
    });
    expect(
      await rollback(
        rs(player, { round: won['round'], reference_transaction_uuid: won['transaction_uuid'] }),
      ),
    ).toMatchObject(ok(100_000));
  });
});

describe('the largest stake', () => {
  const words = {
    hub88: { status: 'RS_ERROR_LIMIT_REACHED' },
    caleta: { status: 'RS_ERROR_BET_LIMIT_EXCEEDED' },
    'a8r-v2': { meta: { api_code: '106' } },
    'a8r-v1': { code: 106 },
  } as const;
  const staking = (dialect: (typeof dialects)[number], player: DoorPlayer, cents: number) => {
    const name = gameOf(dialect, 'capped');
    switch (dialect) {
      case 'hub88':
      case 'caleta':
        return betBody(dialect, player, { game_code: name, amount: cents * 1_000 });
      case 'a8r-v2':
        return betBody(dialect, player, {
          game_id: name,
          transactions: [{ id: randomUUID(), type: 'bet', amount: (cents / 100).toFixed(2) }],
        });
      case 'a8r-v1':
        return betBody(dialect, player, {
          game: name,
          actions: [{ action: 'bet', action_id: randomUUID(), amount: cents }],
        });
    }
  };

  test.each(dialects)(
    '%s: of the game, of the game in a jurisdiction, and of the player',
    async (dialect) => {
      const send = async (player: DoorPlayer, cents: number) =>
        (await doors.call(dialect, betCallOf[dialect], staking(dialect, player, cents))).body;
      const maltese = await doors.player(100n * euro);
      expect(await send(maltese, 501)).toMatchObject(words[dialect]);
      expect(await send(maltese, 500)).toHaveProperty('balance');
      const british = await doors.player(100n * euro, { jurisdiction: 'GB' });
      expect(await send(british, 201)).toMatchObject(words[dialect]);
      expect(await send(british, 200)).toHaveProperty('balance');
      await database.pool.query(
        'update wallet.player_wallet set stake_max = $2, version = version + 1 where player_id = $1',
        [maltese.id, String(euro)],
      );
      expect(await send(maltese, 101)).toMatchObject(words[dialect]);
      expect(await send(maltese, 100)).toHaveProperty('balance');
      expect((await doors.wallet(maltese)).cash).toBe(94n * euro);
    },
  );
});

test('the provider’s own words are kept with the journal, whatever they are', async () => {
  const player = await doors.player();
  const id = randomUUID();
  const text = JSON.stringify(
    rs(player, {
      transaction_uuid: id,
      supplier_transaction_id: 's-1',
      supplier_user: 'their-7',
      is_aggregated: true,
      bet: 'Extra balls n1',
    }),
  ).replace(/\}$/, ',"meta":{"nul":"\\u0000","half":"\\ud800","big":1e99999,"exact":12345678901234567890}}');
  expect((await doors.call('hub88', 'transaction/bet', text)).body).toMatchObject(ok(900_000));
  expect((await journalOf(id)).details).toEqual({
    wire: {
      supplierTransactionId: 's-1',
      supplierUser: 'their-7',
      isAggregated: true,
      bet: 'Extra balls n1',
      meta: expect.stringContaining('12345678901234567890'),
    },
  });
});

async function giveBonus(player: DoorPlayer, amount: bigint): Promise<void> {
  const issueId = randomUUID();
  await database.db
    .insertInto('games.freeRoundIssue')
    .values({
      integration: 'a8r-v2',
      issueId,
      playerId: player.id,
      asset: 'EUR',
      gameCode: 'acme:slot',
      wageringTimes: 5,
    })
    .execute();
  await doors.call('a8r-v2', 'Freespins/Finish', { issue_id: issueId, amount: String(amount / euro) });
}
