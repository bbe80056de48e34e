/** A small ledger of every kind of journal, logged and signed: what tests of its proof tamper with. */
import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { appendJournals } from '#activities/wallet/log/build-log.ts';
import { postCommand, postTransfer } from '#activities/wallet/post.ts';
import type { Database } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import type { BetCommand, GameCommand } from '#domain/wallet/commands.ts';
import type { TestDatabase } from './database.ts';
import { makeDeposit, oneEuro, type TestPlayer } from './factories.ts';

export const postGame = async (db: Database, command: GameCommand): Promise<string> =>
  (await db.transaction().execute(async (trx) => orThrow(await postCommand(trx, command)))).journalId;

export const betOf = (player: TestPlayer, amount: bigint, round: string = randomUUID()): BetCommand => ({
  kind: 'bet',
  key: { integration: 'studio', externalId: randomUUID() },
  playerId: player.id,
  asset: player.currency,
  game: 'slot',
  round,
  roundClosed: false,
  fingerprint: createHash('sha256').update(`${player.id} ${amount}`).digest('hex'),
  amount,
  sessionIssuedAtMs: Date.now(),
  sessionExpiresAtMs: Date.now() + 3_600_000,
  contributionBps: 10_000,
  guardMs: 30_000,
});

/** A deposit, rounds won and lost, one taken back, and a hold: `turns` times. Returns the journals in order of commit. */
export async function playFor(db: Database, player: TestPlayer, turns: number): Promise<string[]> {
  const ids: string[] = [(await makeDeposit(db, player, 1_000n * oneEuro)).journalId];
  for (let turn = 0; turn < turns; turn += 1) {
    const bet = betOf(player, oneEuro + BigInt(turn));
    ids.push(await postGame(db, bet));
    const id = { integration: 'studio', externalId: randomUUID() };
    ids.push(
      await postGame(
        db,
        turn % 3 === 2
          ? { ...bet, kind: 'rollback', key: id, originalExternalId: bet.key.externalId, fingerprint: '00' }
          : {
              ...bet,
              kind: 'win',
              key: id,
              amount: oneEuro / 2n,
              betExternalId: bet.key.externalId,
              roundClosed: true,
              fingerprint: '01',
            },
      ),
    );
  }
  const withdrawalId = randomUUID();
  const held = await db.transaction().execute(async (trx) =>
    orThrow(
      await postTransfer(trx, {
        key: `withdrawal:${withdrawalId}:reserve`,
        playerId: player.id,
        asset: player.currency,
        amount: oneEuro,
        subject: `withdrawal:${withdrawalId}`,
        transfer: { code: 'withdrawal.reserve' },
      }),
    ),
  );
  return [...ids, held.journalId];
}

/** Takes everything that is committed into the log, in the relay's order. */
export async function logEverything(db: Database): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select payload ->> 'journalId' as id from compliance.outbox
    where type = 'wallet.journal.posted' order by xid, compliance.outbox.id`.execute(db);
  return appendJournals(
    db,
    rows.map(({ id }) => id),
  );
}

/** As only the owner of the database can: with every trigger switched off. */
export async function asOwner(database: TestDatabase, text: string): Promise<void> {
  const client = await database.ownerPool.connect();
  try {
    await client.query(`begin; set local session_replication_role = replica; ${text}; commit`);
  } finally {
    client.release();
  }
}
