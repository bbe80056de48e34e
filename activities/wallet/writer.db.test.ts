/** The batch writer on a real PostgreSQL: repeats, races, rollbacks in both orders, fences between two processes. */
import { createHash, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFundedWallet } from '#test/support/factories.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createPipelines } from '#db/pipelines.ts';
import type { BetCommand, GameCommand, RollbackCommand, WinCommand } from '#domain/wallet/commands.ts';
import { orThrow } from '#domain/failures.ts';
import { openWallet, readBalances, setPlayBrake } from './player-wallet.ts';
import { postTransfer, type PostTransfer } from './post.ts';
import { createWalletWriter, type WalletWriter } from './writer.ts';

const euro = 10n ** 12n;
let database: TestDatabase;
let one: WalletWriter;
let two: WalletWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.db
    .insertInto('wallet.asset')
    .values({ code: 'EUR', kind: 'fiat', ledgerScale: 12, payableScale: 2 })
    .onConflict((oc) => oc.doNothing())
    .execute();
  // Two writers with caches of their own stand for two API processes on one player set.
  one = createWalletWriter({ pool: database.pool, pipelines: createPipelines(database.pool) });
  two = createWalletWriter({ pool: database.pool, pipelines: createPipelines(database.pool) });
});

afterAll(async () => {
  await Promise.all([one?.close(), two?.close()]);
  await database?.drop();
});

async function fundedPlayer(amount: bigint): Promise<string> {
  return makeFundedWallet(database.db, amount);
}

const fingerprint = (...parts: unknown[]) => createHash('sha256').update(parts.join('\n')).digest('hex');

function bet(playerId: string, amount: bigint, externalId: string = randomUUID(), round = 'r1'): BetCommand {
  return {
    kind: 'bet',
    key: { integration: 'studio', externalId },
    playerId,
    asset: 'EUR',
    game: 'slot',
    round: `${playerId}-${round}`,
    roundClosed: false,
    fingerprint: fingerprint('bet', playerId, amount),
    amount,
    sessionIssuedAtMs: Date.now(),
    sessionExpiresAtMs: Date.now() + 3_600_000,
    contributionBps: 10_000,
    guardMs: 30_000,
  };
}

const win = (of: BetCommand, amount: bigint, externalId: string = randomUUID()): WinCommand => ({
  ...of,
  kind: 'win',
  key: { integration: 'studio', externalId },
  amount,
  betExternalId: of.key.externalId,
  roundClosed: true,
  fingerprint: fingerprint('win', amount),
});

const rollback = (of: BetCommand | WinCommand, externalId: string = randomUUID()): RollbackCommand => ({
  ...of,
  kind: 'rollback',
  key: { integration: 'studio', externalId },
  originalExternalId: of.key.externalId,
  fingerprint: fingerprint('rollback', of.key.externalId),
});

async function submit(command: GameCommand, writer = one) {
  const result = await writer.submit(command);
  return result.ok
    ? { code: result.value.repeated ? 'repeated' : 'posted', balance: result.value.balance }
    : { code: result.failure.code, balance: result.failure.balance };
}

async function auditOf(playerId: string) {
  const entries = await database.db
    .selectFrom('wallet.entry')
    .select(['account', 'amount', 'seq', 'balanceAfter'])
    .where('playerId', '=', playerId)
    .orderBy('account')
    .orderBy('seq')
    .execute();
  const wallet = await database.db
    .selectFrom('wallet.playerWallet')
    .selectAll()
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  const sums = new Map<string, bigint>();
  for (const entry of entries) {
    const before = sums.get(entry.account) ?? 0n;
    expect(BigInt(entry.balanceAfter ?? 0)).toBe(before + BigInt(entry.amount));
    sums.set(entry.account, before + BigInt(entry.amount));
  }
  for (const pool of ['cash', 'bonus', 'held', 'receivable'] as const) {
    expect(BigInt(wallet[pool])).toBe(sums.get(pool) ?? 0n);
  }
  return { cash: BigInt(wallet.cash), receivable: BigInt(wallet.receivable), entries: entries.length };
}

test('a bet, its repeat and the same id with other content', async () => {
  const playerId = await fundedPlayer(10n * euro);
  const first = bet(playerId, 10n * euro);
  expect(await submit(first)).toEqual({ code: 'posted', balance: 0n });
  // The balance no longer covers it, and still the repeat is answered as processed, by either process.
  expect(await submit(first)).toEqual({ code: 'repeated', balance: 0n });
  expect(await submit(first, two)).toEqual({ code: 'repeated', balance: 0n });
  expect((await submit({ ...first, fingerprint: fingerprint('other') })).code).toBe('duplicate-transaction');
  expect((await auditOf(playerId)).cash).toBe(0n);
});

test('fifty identical bets through two processes move money once', async () => {
  const playerId = await fundedPlayer(100n * euro);
  const same = bet(playerId, 3n * euro);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => submit(same, n % 2 ? one : two)));
  expect(answers.filter(({ code }) => code === 'posted')).toHaveLength(1);
  expect(answers.filter(({ code }) => code === 'repeated')).toHaveLength(49);
  expect(await auditOf(playerId)).toMatchObject({ cash: 97n * euro, entries: 2 });
});

test('fifty competing bets through two processes never overdraw', async () => {
  const playerId = await fundedPlayer(20n * euro);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => submit(bet(playerId, euro), n % 2 ? one : two)),
  );
  expect(answers.filter(({ code }) => code === 'posted')).toHaveLength(20);
  expect(answers.filter(({ code }) => code === 'insufficient-funds')).toHaveLength(30);
  expect((await auditOf(playerId)).cash).toBe(0n);
});

test('a bet and its rollback converge in both orders and when they race', async () => {
  const playerId = await fundedPlayer(10n * euro);
  const first = bet(playerId, 4n * euro);
  await submit(first);
  expect(await submit(rollback(first))).toEqual({ code: 'posted', balance: 10n * euro });
  expect((await submit(rollback(first))).code).toBe('posted');

  const late = bet(playerId, 4n * euro);
  expect(await submit(rollback(late))).toEqual({ code: 'posted', balance: 10n * euro });
  expect((await submit(late)).code).toBe('transaction-rolled-back');
  expect((await submit(late, two)).code).toBe('transaction-rolled-back');

  for (let n = 0; n < 20; n += 1) {
    const racing = bet(playerId, euro);
    await Promise.all([submit(racing, one), submit(rollback(racing), two)]);
  }
  expect((await auditOf(playerId)).cash).toBe(10n * euro);
});

test('a win taken back after it was spent leaves a debt that later credits repay first', async () => {
  const playerId = await fundedPlayer(10n * euro);
  const stake = bet(playerId, 10n * euro);
  await submit(stake);
  const won = win(stake, 5n * euro);
  await submit(won);
  await submit(bet(playerId, 5n * euro, randomUUID(), 'r2'));
  expect(await submit(rollback(won))).toEqual({ code: 'posted', balance: 0n });
  expect((await auditOf(playerId)).receivable).toBe(-5n * euro);
  const next = win(stake, 8n * euro);
  expect(await submit(next)).toEqual({ code: 'posted', balance: 3n * euro });
  expect(await auditOf(playerId)).toMatchObject({ cash: 3n * euro, receivable: 0n });
});

test('a win needs its bet, and settles although the player was excluded meanwhile', async () => {
  const playerId = await fundedPlayer(10n * euro);
  const stake = bet(playerId, euro);
  expect((await submit(win(stake, euro))).code).toBe('transaction-not-found');
  await submit(stake);
  await database.db
    .transaction()
    .execute((trx) => setPlayBrake(trx, playerId, { until: 'infinity', reason: 'self-exclusion' }));
  expect((await submit(bet(playerId, euro))).code).toBe('self-excluded');
  expect(await submit(win(stake, 2n * euro))).toEqual({ code: 'posted', balance: 11n * euro });
});

test('opposing batches of many players through two processes meet without deadlock', async () => {
  const players = await Promise.all(Array.from({ length: 12 }, () => fundedPlayer(50n * euro)));
  const forth = players.flatMap((playerId) => [bet(playerId, euro), bet(playerId, euro)]);
  const back = players.toReversed().flatMap((playerId) => [bet(playerId, euro), bet(playerId, euro)]);
  const answers = await Promise.all([
    ...forth.map((c) => submit(c, one)),
    ...back.map((c) => submit(c, two)),
  ]);
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['posted']));
  for (const playerId of players) expect((await auditOf(playerId)).cash).toBe(46n * euro);
});

/** A writer whose statements are counted by name, and the batches that it has in flight at once. */
function countedWriter() {
  const counts = new Map<string, number>();
  let writing = 0;
  let mostWriting = 0;
  const pool = new Proxy(database.pool, {
    get: (target, name) =>
      name === 'query'
        ? (query: { readonly name: string; readonly text: string; readonly values: unknown[] }) => {
            counts.set(query.name, (counts.get(query.name) ?? 0) + 1);
            const answer = target.query(query);
            if (query.name !== 'wallet-write') return answer;
            writing += 1;
            mostWriting = Math.max(mostWriting, writing);
            return answer.finally(() => (writing -= 1));
          }
        : Reflect.get(target, name),
  });
  const taken = (name: string): number => {
    const count = counts.get(name) ?? 0;
    counts.delete(name);
    return count;
  };
  const mostWritten = (): number => {
    const most = mostWriting;
    mostWriting = 0;
    return most;
  };
  return { writer: createWalletWriter({ pool, gatherMs: 50 }), taken, mostWritten };
}

test('a process that shares its players reads them before it decides, and stops when they are its own again', async () => {
  const players = await Promise.all(Array.from({ length: 100 }, () => fundedPlayer(100n * euro)));
  const { writer, taken, mostWritten } = countedWriter();
  const everybody = async (with_: WalletWriter): Promise<void> => {
    for (const { code } of await Promise.all(players.map((id) => submit(bet(id, euro), with_))))
      expect(code).toBe('posted');
  };
  const oneByOne = async (with_: WalletWriter): Promise<void> => {
    for (const id of players.slice(0, 10)) expect((await submit(bet(id, euro), with_)).code).toBe('posted');
  };
  for (let turn = 0; turn < 4; turn += 1) {
    await everybody(two);
    await everybody(writer);
  }
  await everybody(two);
  mostWritten();
  await everybody(writer);
  expect(mostWritten()).toBe(1);
  await oneByOne(two);
  taken('wallet-write');
  taken('wallet-facts');
  taken('wallet-load-moved');
  await oneByOne(writer);
  expect(taken('wallet-write')).toBe(10);
  expect(taken('wallet-load-moved')).toBe(10);
  expect(taken('wallet-facts')).toBe(0);
  // What comes a little later goes with what is there: a look costs the same for one as for both.
  const [early, late] = players.map((id) => bet(id, euro)) as [BetCommand, BetCommand];
  const first = submit(early, writer);
  await nextTurn();
  await nextTurn();
  await Promise.all([first, submit(late, writer)]);
  expect(taken('wallet-write')).toBe(1);

  for (let turn = 0; turn < 8; turn += 1) await everybody(writer);
  expect(mostWritten()).toBe(2);
  taken('wallet-load-moved');
  await oneByOne(writer);
  expect(taken('wallet-load-moved')).toBe(0);
  await writer.close();
});

test('what waits for one player is written together, in its order', async () => {
  const playerId = await fundedPlayer(100n * euro);
  const { writer, taken } = countedWriter();
  await submit(bet(playerId, euro), writer);
  taken('wallet-write');
  const answers = await Promise.all(Array.from({ length: 40 }, () => submit(bet(playerId, euro), writer)));
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['posted']));
  expect(taken('wallet-write')).toBe(1);
  expect((await auditOf(playerId)).cash).toBe(59n * euro);
  await writer.close();
});

test('while no line moves the queue is where commands wait, and a full one refuses before any effect', async () => {
  const players = await Promise.all(Array.from({ length: 40 }, () => fundedPlayer(euro)));
  const waitingMax = 10;
  let sent = 0;
  let taken = 0;
  const query = ({ values = [] }: { readonly values?: readonly unknown[] }) => {
    sent += 1;
    taken += Number(values[2]);
    return new Promise<never>(() => {});
  };
  const pipelines = { query, stalled: () => sent };
  const stuck = createWalletWriter({
    pool: database.pool,
    pipelines,
    slots: 2,
    queueGroupsMax: waitingMax,
  });
  const refused: string[] = [];
  for (const id of players) {
    void submit(bet(id, euro), stuck).then(({ code }) => refused.push(code));
    await delay(20);
  }
  expect(sent).toBe(10);
  expect(taken).toBeLessThan(players.length - waitingMax);
  expect(refused).toEqual(Array(players.length - waitingMax - taken).fill('overloaded'));
});

test('the ledger refuses change: by grant to the writer, by trigger even to its owner', async () => {
  for (const change of [
    'update wallet.entry set amount = 1',
    'delete from wallet.journal',
    'truncate wallet.entry',
  ]) {
    await expect(database.pool.query(change)).rejects.toThrow(/permission denied/);
    await expect(database.ownerPool.query(change)).rejects.toThrow(/append-only/);
  }
});

test('an unbalanced journal is refused by the database', async () => {
  const { rows } = await database.pool.query('select id, asset from wallet.journal limit 1');
  const unbalanced = `insert into wallet.entry (journal_id, line, asset, account, amount)
    values ($1, 99, $2, 'house:adjustments', 5)`;
  await expect(database.pool.query(unbalanced, [rows[0].id, rows[0].asset])).rejects.toThrow(/unbalanced/);
});

test('a batch happens in order and whole: an earlier win pays for a later bet', async () => {
  const playerId = await fundedPlayer(5n * euro);
  const first = bet(playerId, 5n * euro);
  const won = win(first, 8n * euro);
  const second = bet(playerId, 8n * euro);
  const batch = await one.submitBatch([first, won, second]);
  expect(batch.ok && batch.value.map(({ balance }) => balance)).toEqual([0n, 8n * euro, 0n]);
  // The same batch again is answered with what was stored, through another process, too.
  const again = await two.submitBatch([first, won, second]);
  expect(again.ok && again.value.map(({ journalId, repeated }) => [journalId, repeated])).toEqual(
    batch.ok && batch.value.map(({ journalId }) => [journalId, true]),
  );
  expect(await auditOf(playerId)).toMatchObject({ cash: 0n, entries: 4 });
});

test('one refusal leaves no trace of its batch, and says which it was', async () => {
  const playerId = await fundedPlayer(5n * euro);
  const fine = bet(playerId, 2n * euro);
  const tooMuch = bet(playerId, 4n * euro);
  const [refused, beside] = await Promise.all([
    one.submitBatch([fine, tooMuch]),
    submit(bet(playerId, euro)),
  ]);
  expect(refused).toMatchObject({ ok: false, failure: { code: 'insufficient-funds', index: 1 } });
  expect(beside.code).toBe('posted');
  expect((await submit(fine)).code).toBe('posted');
  expect((await auditOf(playerId)).cash).toBe(2n * euro);
});

test('a late original may be told that it was done, where its dialect wants that', async () => {
  const playerId = await fundedPlayer(5n * euro);
  const late = { ...bet(playerId, euro), tolerateTombstone: true };
  await submit(rollback(late));
  expect(await submit(late)).toEqual({ code: 'repeated', balance: 5n * euro });
});

test('a wallet that is opened during an exclusion is braked from its first moment', async () => {
  const playerId = await fundedPlayer(euro);
  await database.db
    .insertInto('wallet.asset')
    .values({ code: 'GBP', kind: 'fiat', ledgerScale: 12, payableScale: 2 })
    .execute();
  await database.db.transaction().execute(async (trx) => {
    await setPlayBrake(trx, playerId, { until: 'infinity', reason: 'self-exclusion' });
    await openWallet(trx, { playerId, asset: 'GBP', brand: 'aurora', jurisdiction: 'MT' });
  });
  expect((await submit({ ...bet(playerId, 0n), asset: 'GBP' })).code).toBe('self-excluded');
});

test('the mark of one player’s rollback answers nobody else', async () => {
  const [ann, ben] = [await fundedPlayer(5n * euro), await fundedPlayer(5n * euro)];
  const early = bet(ann, euro);
  await submit(rollback(early));
  const foreign = { ...bet(ben, euro, early.key.externalId), tolerateTombstone: true };
  expect((await submit(foreign)).code).toBe('duplicate-transaction');
});

test('a poison command fails alone: the players beside it in the statement are served', async () => {
  const players = await Promise.all(Array.from({ length: 5 }, () => fundedPlayer(10n * euro)));
  const poison = randomUUID();
  await database.ownerPool.query(
    `create function wallet.refuse_poison() returns trigger language plpgsql as $$
     begin raise exception 'poison' using errcode = 'data_exception'; end $$;
     create trigger poisoned before insert on wallet.journal for each row
       when (new.external_id = '${poison}') execute function wallet.refuse_poison()`,
  );
  try {
    // The first call finds the queue idle; what comes while it is written waits for one statement together.
    const ahead = submit(bet(await fundedPlayer(10n * euro), euro));
    const results = await Promise.allSettled(
      players.map((playerId, index) => submit(bet(playerId, euro, index === 2 ? poison : randomUUID()))),
    );
    expect(await ahead).toMatchObject({ code: 'posted' });
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    const cash = await Promise.all(players.map(async (playerId) => (await auditOf(playerId)).cash));
    expect(cash).toEqual([9n, 9n, 10n, 9n, 9n].map((units) => units * euro));
  } finally {
    await database.ownerPool.query(
      'drop trigger poisoned on wallet.journal; drop function wallet.refuse_poison()',
    );
  }
  const [, , spared = ''] = players;
  expect(await submit(bet(spared, euro))).toMatchObject({ code: 'posted' });
});

test('a win on bonus money that was given up before it came is not real money', async () => {
  const playerId = await fundedPlayer(4n * euro);
  const awardId = randomUUID();
  const post = (key: string, transfer: PostTransfer['transfer']) =>
    database.db.transaction().execute(async (trx) =>
      orThrow(
        await postTransfer(trx, {
          key: `award:${awardId}:${key}`,
          playerId,
          asset: 'EUR',
          amount: 6n * euro,
          subject: `bonus:${awardId}`,
          transfer,
        }),
      ),
    );
  await post('grant', {
    code: 'bonus.award',
    awardId,
    wagering: 600n * euro,
    betMax: null,
    expiresAtMs: Date.now() + 3_600_000,
  });
  const placed = bet(playerId, 10n * euro);
  await submit(placed);
  await post('bonus.forfeit', { code: 'bonus.forfeit', awardId });
  for (const writer of [one, two]) {
    const won = await submit(win(placed, 100n * euro), writer);
    expect(won).toMatchObject({ code: 'posted' });
  }
  const { cash, bonus } = (await readBalances(database.db, playerId))[0] ?? {};
  // Four tenths of two wins.
  expect([cash, bonus]).toEqual([80n * euro, 0n]);
});

test('a win on bonus money that is taken back is not taken from the award that came after its own', async () => {
  const playerId = await fundedPlayer(4n * euro);
  const [first, second] = [randomUUID(), randomUUID()];
  const post = (awardId: string, transfer: PostTransfer['transfer']) =>
    database.db.transaction().execute(async (trx) =>
      orThrow(
        await postTransfer(trx, {
          key: `award:${awardId}:${transfer.code}`,
          playerId,
          asset: 'EUR',
          amount: 6n * euro,
          subject: `bonus:${awardId}`,
          transfer,
        }),
      ),
    );
  const grant = (awardId: string) =>
    post(awardId, {
      code: 'bonus.award',
      awardId,
      wagering: 600n * euro,
      betMax: null,
      expiresAtMs: Date.now() + 3_600_000,
    });
  await grant(first);
  const placed = bet(playerId, 10n * euro);
  await submit(placed);
  const won = win(placed, 10n * euro);
  await submit(won);
  await post(first, { code: 'bonus.forfeit', awardId: first });
  await grant(second);
  const { cash, bonus } = (await readBalances(database.db, playerId))[0] ?? {};
  expect([cash, bonus]).toEqual([4n * euro, 6n * euro]);
  const undo = rollback(won);
  for (const writer of [one, two])
    expect(await submit(undo, writer)).toMatchObject({ code: writer === one ? 'posted' : 'repeated' });
  const [after] = await readBalances(database.db, playerId);
  expect([after?.cash, after?.bonus]).toEqual([0n, 6n * euro]);
});
