/** A file of payouts: sealed with its hash before it is sent, sent once, and asked about when the answer was lost. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { isWithdrawalStopped, refuseWhileStopped } from '#activities/wallet/audit/withdrawal-stop.ts';
import type { Database, Trx } from '#db/connect.ts';
import { assert, orThrow } from '#domain/failures.ts';
import { buildPain001 } from '#domain/payments/sepa/pain-001.ts';
import type { ActivityDeps } from '../../deps.ts';
import { openWorkItem } from '../commands/work-items.ts';
import { checkSchema } from './check-schema.ts';
import { moveReturns, writeReturns } from './suspense-returns.ts';
import { setAside, writeTransfers, type WrittenTransfers } from './written-transfers.ts';

export type PayoutBatchInput = { readonly batchId: string };

/** `empty`: nothing is queued, no file was made. */
export type PayoutBatchState = 'empty' | 'sealed' | 'unknown' | 'sent' | 'refused';

/** What a bank takes in one file with ease. */
const transfersMax = 2_000;

export type PayoutBatchDeps = Pick<ActivityDeps, 'db' | 'keyRing' | 'log' | 'bank'>;

export function createPayoutBatchActivities(deps: PayoutBatchDeps) {
  const { db, log } = deps;

  const readState = async (batchId: string): Promise<PayoutBatchState> => {
    const row = await db
      .selectFrom('payments.payoutBatch')
      .select('state')
      .where('id', '=', batchId)
      .executeTakeFirst();
    return row === undefined ? 'empty' : stateOf(row.state);
  };

  const setState = async (
    batchId: string,
    from: readonly string[],
    state: PayoutBatchState,
    reason: string | null,
  ): Promise<PayoutBatchState> => {
    await db
      .updateTable('payments.payoutBatch')
      .set({ state, reason, ...(state === 'unknown' ? {} : { closedAt: sql<Date>`now()` }) })
      .where('id', '=', batchId)
      .where('state', 'in', from)
      .execute();
    return readState(batchId);
  };

  return {
    /**
     * Collects what is queued into a file and writes its identifier and hash, in one transaction; called again, it
     * tells how the batch stands. A payout that cannot be written is put aside for a person. Refused with `withdrawals-stopped` while an audit has stopped withdrawals.
     */
    async sealBatch({ batchId }: PayoutBatchInput): Promise<PayoutBatchState> {
      return db.transaction().execute(async (trx) => {
        // A first try that has run out of time may still be sealing: this one waits for what it does.
        await sql`select pg_advisory_xact_lock(hashtextextended('payout-batch', 0))`.execute(trx);
        const known = await trx
          .selectFrom('payments.payoutBatch')
          .select('state')
          .where('id', '=', batchId)
          .executeTakeFirst();
        if (known !== undefined) return stateOf(known.state);
        await refuseWhileStopped(trx);
        const queued = await trx
          .selectFrom('payments.bankTransfer')
          .select('reference')
          .where('state', '=', 'queued')
          .orderBy('queuedAt')
          .orderBy('reference')
          .limit(transfersMax)
          .forUpdate()
          .execute();
        const returns = await trx
          .selectFrom('payments.suspenseReturn')
          .select('reference')
          .where('state', '=', 'queued')
          .orderBy('queuedAt')
          .orderBy('reference')
          .limit(transfersMax)
          .forUpdate()
          .execute();
        if (queued.length + returns.length === 0) return 'empty';
        const [now] = (
          await sql<{
            at: Date;
            on: string;
          }>`select now() as at, to_char(now() at time zone 'UTC', 'YYYY-MM-DD') as on`.execute(trx)
        ).rows;
        assert(now !== undefined, 'the database knows the time');
        const references = queued.map(({ reference }) => reference);
        const written = await writeTransfers(trx, deps.keyRing, references, now.on);
        for (const one of written.unwritable) await setAside(trx, one);
        const sentBack = await writeReturns(
          trx,
          deps.keyRing,
          returns.map(({ reference }) => reference),
          now.on,
        );
        // Returns come after payouts, so that the file can be made again in the same order.
        const transfers = [...written.transfers, ...sentBack];
        if (transfers.length === 0) return 'empty';
        const sealed = {
          id: batchId,
          messageId: batchId.replaceAll('-', ''),
          transfers: transfers.length,
          controlSum: transfers.reduce((sum, { amount }) => sum + amount, 0n).toString(),
          requestedOn: now.on,
          sealedAt: now.at,
        };
        const file = fileOf(deps, sealed, transfers);
        orThrow(checkSchema(Buffer.from(file, 'utf8'), 'pain.001.001.09'));
        await trx
          .insertInto('payments.payoutBatch')
          .values({ ...sealed, sha256: hashOf(file) })
          .execute();
        for (const [index, { reference }] of transfers.entries()) {
          const isReturn = index >= written.transfers.length;
          await trx
            .updateTable(isReturn ? 'payments.suspenseReturn' : 'payments.bankTransfer')
            .set({ state: 'batched', batchId, position: index + 1 })
            .where('reference', '=', reference)
            .execute();
        }
        return 'sealed';
      });
    },

    /**
     * Sends the file, for one caller only; called again, it tells how the batch stands and sends nothing. A file that
     * cannot be made again, because a key was destroyed after it was sealed, is given up: its payouts join the next one.
     */
    async sendBatch({ batchId }: PayoutBatchInput): Promise<PayoutBatchState> {
      if (await isWithdrawalStopped(db)) return readState(batchId);
      const claimed = await db
        .updateTable('payments.payoutBatch')
        .set({ claimedAt: sql<Date>`now()` })
        .where('id', '=', batchId)
        .where('state', '=', 'sealed')
        .where('claimedAt', 'is', null)
        .returning(['id', 'messageId', 'requestedOn', 'sealedAt', 'sha256'])
        .executeTakeFirst();
      if (claimed === undefined) {
        // Claimed and never answered: it may have left.
        return setState(batchId, ['sealed'], 'unknown', 'sent before');
      }
      const inFile = await db
        .selectFrom('payments.bankTransfer')
        .select('reference')
        .where('batchId', '=', batchId)
        .orderBy('position')
        .execute();
      const returns = await db
        .selectFrom('payments.suspenseReturn')
        .select('reference')
        .where('batchId', '=', batchId)
        .orderBy('position')
        .execute();
      const on = dayOf(claimed.requestedOn);
      const names = (rows: readonly { readonly reference: string }[]) =>
        rows.map(({ reference }) => reference);
      const { transfers, unwritable } = await writeTransfers(db, deps.keyRing, names(inFile), on);
      if (unwritable.length > 0) return giveUp(batchId);
      const sentBack = await writeReturns(db, deps.keyRing, names(returns), on);
      const file = fileOf(deps, claimed, [...transfers, ...sentBack]);
      assert(hashOf(file) === claimed.sha256, `batch ${batchId} is the file that was sealed`);
      const outcome = await mustHaveBank(deps).upload(file);
      log.info({ batchId, outcome: outcome.kind }, 'bank answered');
      switch (outcome.kind) {
        case 'taken':
          return setState(batchId, ['sealed'], 'sent', null);
        case 'unknown':
          return setState(batchId, ['sealed'], 'unknown', outcome.reason);
        case 'not_sent':
          await db
            .updateTable('payments.payoutBatch')
            .set({ claimedAt: null, reason: outcome.reason })
            .where('id', '=', batchId)
            .where('state', '=', 'sealed')
            .execute();
          return 'sealed';
        case 'refused':
          return refuse(batchId, outcome.reason);
      }
    },

    /** Whether a file whose answer was lost has arrived. Absence is no proof: the file is never sent again for it. */
    async askBatch({ batchId }: PayoutBatchInput): Promise<PayoutBatchState> {
      const row = await db
        .selectFrom('payments.payoutBatch')
        .select(['messageId', 'sha256', 'state'])
        .where('id', '=', batchId)
        .executeTakeFirstOrThrow();
      if (row.state !== 'unknown') return stateOf(row.state);
      const arrival = await mustHaveBank(deps).arrival(row.messageId);
      if (arrival.kind !== 'there') return 'unknown';
      if (arrival.sha256 === row.sha256) return setState(batchId, ['unknown'], 'sent', null);
      await showStuck(db, batchId, 'the bank has another file under this identifier');
      return 'unknown';
    },

    /** Shows a file to people whose fate nobody could tell. */
    async reportStuckBatch({ batchId }: PayoutBatchInput): Promise<void> {
      await showStuck(db, batchId, 'the bank does not say whether it has the file');
    },
  };

  /** Claimed by this call, which sends nothing: what was sealed goes into a file that leaves out what cannot be written. */
  async function giveUp(batchId: string): Promise<PayoutBatchState> {
    await db.transaction().execute(async (trx) => {
      const given = await trx
        .updateTable('payments.payoutBatch')
        .set({
          state: 'refused',
          reason: 'it cannot be made again, and was not sent',
          claimedAt: null,
          closedAt: sql<Date>`now()`,
        })
        .where('id', '=', batchId)
        .where('state', '=', 'sealed')
        .returning('id')
        .executeTakeFirst();
      if (given === undefined) return;
      for (const table of ['payments.bankTransfer', 'payments.suspenseReturn'] as const)
        await trx
          .updateTable(table)
          .set({ state: 'queued', batchId: null, position: null })
          .where('batchId', '=', batchId)
          .where('state', '=', 'batched')
          .execute();
    });
    return readState(batchId);
  }

  /** The bank has read the file and carries nothing of it out. */
  async function refuse(batchId: string, reason: string): Promise<PayoutBatchState> {
    await db.transaction().execute(async (trx) => {
      await trx
        .updateTable('payments.payoutBatch')
        .set({ state: 'refused', reason, closedAt: sql<Date>`now()` })
        .where('id', '=', batchId)
        .where('state', '=', 'sealed')
        .execute();
      await trx
        .updateTable('payments.bankTransfer')
        .set({ state: 'rejected', reason: `file refused: ${reason}` })
        .where('batchId', '=', batchId)
        .where('state', '=', 'batched')
        .execute();
      await moveReturns(trx, batchId, {
        state: 'rejected',
        reason: `file refused: ${reason}`,
        endToEndId: null,
        except: [],
      });
      await showStuck(trx, batchId, `the bank refused the file: ${reason}`);
    });
    return 'refused';
  }
}

const states = ['sealed', 'unknown', 'sent', 'refused'] as const satisfies readonly PayoutBatchState[];

function stateOf(text: string): PayoutBatchState {
  const known = states.find((state) => state === text);
  if (known === undefined) throw new Error(`Invariant broken: payout batch state ${text}`);
  return known;
}

const hashOf = (file: string): string => createHash('sha256').update(file, 'utf8').digest('hex');

const showStuck = (trx: Database | Trx, batchId: string, reason: string): Promise<void> =>
  openWorkItem(trx, { kind: 'stuck-payout-file', subject: `payout-batch:${batchId}`, brand: null, reason });

export function mustHaveBank({ bank }: Pick<ActivityDeps, 'bank'>) {
  if (bank === null) throw new Error('Invariant broken: no bank is configured');
  return bank;
}

/** A date column as the driver gives it. */
const dayOf = (day: Date | string): string =>
  typeof day === 'string'
    ? day
    : new Date(day.getTime() - day.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

/** Made of the rows each time, always the same bytes: names and accounts stay sealed until the file is needed. */
function fileOf(
  deps: PayoutBatchDeps,
  batch: { readonly messageId: string; readonly sealedAt: Date },
  transfers: WrittenTransfers['transfers'],
): string {
  return orThrow(
    buildPain001({
      messageId: batch.messageId,
      createdAt: batch.sealedAt.toISOString(),
      debtor: mustHaveBank(deps).account,
      transfers,
    }),
  );
}
