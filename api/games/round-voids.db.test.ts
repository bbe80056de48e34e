/** Voids of rounds by hand over HTTP: two people, one proposal at a time, and nothing for a round that has moved since. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRoundActivities } from '#activities/games/rounds.ts';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { postCommand } from '#activities/wallet/post.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer } from '#test/support/factories.ts';

const euro = 10n ** 12n;
const path = '/admin/v1/round-void-proposals';
let database: TestDatabase;
let app: TestApi;
let [cora, lena, carl, elsewhere] = ['', '', '', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  // Nobody is behind Temporal here: an approval is kept, answered 503, and carried out by whoever calls the activity.
  app = await createTestApi(database);
  [cora, lena, carl, elsewhere] = await Promise.all([
    app.signInAs(['content']),
    app.signInAs(['payments-lead']),
    app.signInAs(['compliance']),
    app.signInAs(['compliance'], ['borealis']),
  ]);
}, 60_000);

afterAll(async () => {
  const checks = await verifyLedger(database.db);
  await app?.close();
  await database?.drop();
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
});

type Round = { readonly integration: string; readonly roundRef: string; readonly playerId: string };

const stake = async (round: Round, amount: bigint, betId: string = randomUUID()): Promise<string> => {
  const { integration, roundRef, playerId } = round;
  const facts = { playerId, asset: 'EUR', game: 'slot', round: roundRef };
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await postCommand(trx, {
        kind: 'bet',
        key: { integration, externalId: betId },
        ...facts,
        guardMs: 1,
        roundClosed: false,
        fingerprint: gameFingerprint({ ...facts, kind: 'bet', amount, reference: null }),
        amount,
        sessionIssuedAtMs: Date.now(),
        sessionExpiresAtMs: Date.now() + 3_600_000,
        contributionBps: 10_000,
      }),
    ),
  );
  return betId;
};

const rounds = () => createRoundActivities({ db: database.db, gameProviders: new Map() });

/** A round of one stake that its provider could not explain. */
async function withAPerson(amount = 4n * euro): Promise<Round & { readonly betId: string }> {
  const player = await makePlayer(database.db, { brand: 'aurora' });
  await makeDeposit(database.db, player, 5_000n * euro);
  const round = { integration: 'studio', roundRef: randomUUID(), playerId: player.id };
  const betId = await stake(round, amount);
  await rounds().handRoundToPerson(round);
  return { ...round, betId };
}

const propose = (
  round: Round,
  { token = cora, key = randomUUID() as string, reason = 'the provider is gone' } = {},
) =>
  app.send(
    'POST',
    `/admin/v1/rounds/${round.integration}/${round.roundRef}/void-proposals`,
    { playerId: round.playerId, reason },
    { token, key },
  );

async function proposed(round: Round, token = cora): Promise<Record<string, unknown>> {
  const answer = await propose(round, { token });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

const decide = (
  { proposalId, contentHash }: Record<string, unknown>,
  { token = lena, decision = 'approve', key = randomUUID() as string, hash = contentHash } = {},
) =>
  app.send(
    'POST',
    `${path}/${String(proposalId)}/decisions`,
    { decision, contentHash: hash, note: 'read and agreed' },
    { token, key },
  );

const carryOut = (round: Round, { proposalId }: Record<string, unknown>) =>
  rounds().voidRound({ ...round, proposalId: String(proposalId) });

const cashOf = async ({ playerId }: Round): Promise<bigint> => {
  const { cash } = await database.db
    .selectFrom('wallet.playerWallet')
    .select('cash')
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  return BigInt(cash) / euro;
};
const rowOf = async ({ proposalId }: Record<string, unknown>) =>
  database.db
    .selectFrom('games.roundVoidProposal')
    .selectAll()
    .where('id', '=', String(proposalId))
    .executeTakeFirstOrThrow();
const auditOf = async ({ roundRef }: Round) =>
  (
    await database.pool.query(
      `select actor, action, reason, details from compliance.audit where subject = $1 and action like 'games.round%'
       order by id`,
      [`round:studio:${roundRef}`],
    )
  ).rows as { actor: string; action: string; reason: string | null; details: Record<string, unknown> }[];

test('two people void a round once, an approval survives the loss of the process, and the record names who and why', async () => {
  const round = await withAPerson();
  const key = randomUUID();
  const first = await propose(round, { key });
  expect(first.body).toMatchObject({
    state: 'proposed',
    round: round.roundRef,
    stakes: [round.betId],
    money: { amount: '4.00', asset: 'EUR' },
    decidedBy: null,
  });
  expect((await propose(round, { key })).body).toEqual(first.body);
  const decision = randomUUID();
  // As if the process had died after the decision: the workflow was never told.
  expect((await decide(first.body, { key: decision })).body['code']).toBe('dependency-unavailable');
  expect(await rowOf(first.body)).toMatchObject({ state: 'approved', decidedRoles: ['payments-lead'] });
  expect(await cashOf(round)).toBe(4_996n);
  expect((await decide(first.body, { key: decision })).body['code']).toBe('dependency-unavailable');

  expect(await carryOut(round, first.body)).toEqual({ returned: 1, over: true });
  expect(await carryOut(round, first.body)).toEqual({ returned: 0, over: true });
  expect(await cashOf(round)).toBe(5_000n);
  for (const again of [await decide(first.body, { key: decision }), await decide(first.body)])
    expect(again, again.text).toMatchObject({ status: 200, body: { state: 'carried-out' } });

  const row = await rowOf(first.body);
  expect(row.decidedBy).not.toBe(row.proposedBy);
  expect((await auditOf(round)).slice(1)).toMatchObject([
    {
      actor: `operator:${row.proposedBy}`,
      action: 'games.round-void.proposed',
      reason: 'the provider is gone',
      details: { proposalId: row.id, stakes: 1, money: { amount: '4.00', asset: 'EUR' } },
    },
    {
      actor: `operator:${row.decidedBy}`,
      action: 'games.round-void.decided',
      reason: 'read and agreed',
      details: { outcome: 'approved' },
    },
    {
      actor: `operator:${row.decidedBy}`,
      action: 'games.round.resolved',
      reason: 'the provider is gone',
      details: { outcome: 'void', proposalId: row.id },
    },
  ]);
  // The round took another stake after its end: an approval that was used up does not reach it.
  await stake(round, euro);
  expect(await carryOut(round, first.body)).toEqual({ returned: 0, over: true });
  expect(await cashOf(round)).toBe(4_999n);
});

test('nobody approves his own proposal, and whoever proposed it may take it back', async () => {
  const round = await withAPerson();
  const ada = await app.signInAs(['admin']);
  const mine = await proposed(round, ada);
  expect((await decide(mine, { token: ada })).body['code']).toBe('own-approval');
  expect((await rowOf(mine)).state).toBe('proposed');
  const back = await decide(mine, { token: ada, decision: 'reject' });
  expect(back.body).toMatchObject({ state: 'rejected', decidedBy: mine['proposedBy'] });
  expect((await decide(mine)).body['code']).toBe('already-decided');
  expect(await carryOut(round, mine)).toMatchObject({ returned: 0, refused: true });
  expect(await cashOf(round)).toBe(4_996n);
  expect((await proposed(round))['state']).toBe('proposed');
});

test('a decision about something else than was shown, beyond the roles, the band or the brand changes nothing', async () => {
  const round = await withAPerson(1_001n * euro);
  const proposal = await proposed(round);
  const refusals = [
    [{ hash: 'ab'.repeat(32) }, 'round-void-not-open'],
    [{ token: cora }, 'forbidden'],
    [{ token: lena }, 'forbidden'],
    [{ token: elsewhere }, 'not-found'],
    [{ hash: 'short' }, 'invalid-request'],
  ] as const;
  for (const [options, code] of refusals)
    expect((await decide(proposal, options)).body['code'], JSON.stringify(options)).toBe(code);
  expect((await decide({ ...proposal, proposalId: randomUUID() })).body['code']).toBe('not-found');
  expect(await rowOf(proposal)).toMatchObject({ state: 'proposed', decidedBy: null });
  expect((await propose({ ...round, roundRef: randomUUID() })).body['code']).toBe('not-found');
  expect((await propose(round, { token: lena })).body['code']).toBe('forbidden');
  expect((await decide(proposal, { token: carl })).body['code']).toBe('dependency-unavailable');
  expect((await rowOf(proposal)).state).toBe('approved');
});

test('a round that took another call is not voided by what was seen before it, and can be proposed anew', async () => {
  const round = await withAPerson();
  const before = await proposed(round);
  await stake(round, euro);
  const key = randomUUID();
  for (const _ of [1, 2]) expect((await decide(before, { key })).body['code']).toBe('version-outdated');
  expect(await rowOf(before)).toMatchObject({ state: 'stale', decidedBy: null });
  expect((await decide(before, { token: carl })).body['code']).toBe('version-outdated');
  expect((await auditOf(round)).at(-1)).toMatchObject({ details: { outcome: 'stale' } });

  const between = await proposed(round);
  expect(between).toMatchObject({ money: { amount: '5.00', asset: 'EUR' } });
  await decide(between);
  await stake(round, euro);
  expect(await carryOut(round, between)).toEqual({ returned: 0, over: false, refused: true });
  expect(await rowOf(between)).toMatchObject({ state: 'stale' });
  expect((await decide(between)).body['code']).toBe('version-outdated');
  expect(await cashOf(round)).toBe(4_994n);

  // One that nobody decided on, or that waits for the workflow, gives way as soon as its round has moved.
  const waiting = await proposed(round);
  await stake(round, euro);
  const last = await proposed(round);
  expect((await rowOf(waiting)).state).toBe('stale');
  await decide(last);
  expect(await carryOut(round, last)).toEqual({ returned: 4, over: true });
  expect(await cashOf(round)).toBe(5_000n);
});

test('a key means one proposal and one decision, and a round has one proposal at a time', async () => {
  const [round, other] = await Promise.all([withAPerson(), withAPerson()]);
  const key = randomUUID();
  const raced = await Promise.all([propose(round, { key }), propose(round, { key })]);
  expect(raced.map(({ status }) => status)).toEqual([200, 200]);
  expect(raced[0]?.body).toEqual(raced[1]?.body);
  expect((await propose(round, { key, reason: 'another reason' })).body['code']).toBe(
    'idempotency-key-reused',
  );
  expect((await propose(other, { key })).body['code']).toBe('idempotency-key-reused');
  const two = await Promise.all([propose(other), propose(other)]);
  expect(two.map(({ body }) => String(body['code'] ?? body['state'])).toSorted()).toEqual([
    'proposed',
    'round-void-pending',
  ]);
  expect((await propose(round)).body['code']).toBe('round-void-pending');

  const proposal = raced[0]?.body ?? {};
  const word = randomUUID();
  const rejected = await decide(proposal, { decision: 'reject', key: word });
  expect(rejected.body['state']).toBe('rejected');
  expect((await decide(proposal, { decision: 'reject', key: word })).body).toEqual(rejected.body);
  expect((await decide(proposal, { key: word })).body['code']).toBe('idempotency-key-reused');
  expect((await decide(proposal)).body['code']).toBe('already-decided');
  const { body: list } = await app.send('GET', `${path}?playerId=${round.playerId}`, undefined, {
    token: lena,
  });
  expect(list).toEqual({ items: [rejected.body], next: null });
  expect(
    (await app.send('GET', `${path}?playerId=${round.playerId}`, undefined, { token: elsewhere })).body[
      'items'
    ],
  ).toEqual([]);
});

test('of two people who approve at once one has decided', async () => {
  const round = await withAPerson();
  const proposal = await proposed(round);
  const answers = await Promise.all([decide(proposal), decide(proposal, { token: carl })]);
  // Both are told that it is not carried out yet; the second one's word only carries the first one's on.
  expect(answers.map(({ body }) => body['code'])).toEqual(answers.map(() => 'dependency-unavailable'));
  const { decidedBy } = await rowOf(proposal);
  const decisions = (await auditOf(round)).filter(({ action }) => action === 'games.round-void.decided');
  expect(decisions.map(({ actor }) => actor)).toEqual([`operator:${decidedBy}`]);
  expect((await decide(proposal, { token: carl, decision: 'reject' })).body['code']).toBe('already-decided');
  await Promise.all([carryOut(round, proposal), carryOut(round, proposal)]);
  expect(await cashOf(round)).toBe(5_000n);
  const late = await Promise.all([decide(proposal), decide(proposal, { token: carl })]);
  expect(late.map(({ body }) => String(body['code'] ?? body['state'])).toSorted()).toEqual([
    'already-decided',
    'carried-out',
  ]);
});

test('one person alone voids nothing, and asking again waits for the decision', async () => {
  const round = await withAPerson();
  const resolve = (outcome: string) =>
    app.send(
      'POST',
      `/admin/v1/rounds/studio/${round.roundRef}/resolutions`,
      { playerId: round.playerId, outcome, reason: 'the provider is gone' },
      { token: cora, key: randomUUID() },
    );
  const refused = await resolve('void');
  expect(refused.body).toMatchObject({ code: 'invalid-request' });
  expect(JSON.stringify(refused.body['errors'])).toContain('void-proposals');
  for (const word of [{}, { proposalId: null }, { proposalId: randomUUID() }])
    expect(await rounds().voidRound({ ...round, ...word })).toMatchObject({ returned: 0, refused: true });
  const proposal = await proposed(round);
  expect(await carryOut(round, proposal)).toMatchObject({ returned: 0, refused: true });
  const foreign = await withAPerson();
  await decide(proposal);
  expect(await carryOut(foreign, proposal)).toMatchObject({ returned: 0, refused: true });
  expect((await resolve('ask-again')).body['code']).toBe('round-void-pending');
  expect(await cashOf(round)).toBe(4_996n);

  const open = { ...round, roundRef: randomUUID() };
  await stake(open, euro);
  expect((await propose(open)).body['code']).toBe('round-void-not-open');
});

test('nobody proposes or decides about a round of the player with his own address', async () => {
  const round = await withAPerson();
  const own = await app.signInAs(['admin']);
  const { proposedBy } = await proposed(await withAPerson(), own);
  const proposal = await proposed(round);
  const { email } = await database.db
    .selectFrom('backoffice.operator')
    .select('email')
    .where('id', '=', String(proposedBy))
    .executeTakeFirstOrThrow();
  await database.db
    .updateTable('pam.player')
    .set({ emailIndex: app.deps.keyRing.blindIndex(email) })
    .where('id', '=', round.playerId)
    .execute();
  for (const decision of ['approve', 'reject'])
    expect((await decide(proposal, { token: own, decision })).body['code']).toBe('own-approval');
  expect((await propose(round, { token: own })).body['code']).toBe('own-approval');
  expect((await rowOf(proposal)).state).toBe('proposed');
});

test('the database keeps what was proposed and decided, and knows the steps', async () => {
  const round = await withAPerson();
  const proposal = await proposed(round);
  const run = (text: string) => database.ownerPool.query(text, [proposal['proposalId']]);
  const set = (columns: string) => run(`update games.round_void_proposal set ${columns} where id = $1`);
  const word = `decided_roles = '{admin}', decided_hash = content_hash, decided_at = now()`;
  await expect(set(`state = 'approved', decided_by = proposed_by, ${word}`)).rejects.toThrow(
    /check constraint/,
  );
  await expect(set(`state = 'approved', decided_by = player_id, ${word}`)).rejects.toThrow(
    /check constraint/,
  );
  await expect(set(`state = 'approved'`)).rejects.toThrow(/check constraint/);
  await expect(set(`state = 'carried-out', carried_out_at = now()`)).rejects.toThrow(/cannot go/);
  await expect(set(`state = 'stale', amount = 1`)).rejects.toThrow(/cannot change/);
  await expect(run(`delete from games.round_void_proposal where id = $1`)).rejects.toThrow(/are kept/);
  await decide(proposal);
  await expect(set(`state = 'stale', decided_by = gen_random_uuid()`)).rejects.toThrow(/cannot change/);
  await expect(set(`state = 'carried-out', carried_out_at = now()`)).rejects.toThrow(/is not void/);
  await expect(
    database.pool.query(`update games.round_void_proposal set reason = 'some other reason'`),
  ).rejects.toThrow(/permission denied/);
});
