/** A sandbox bank as a process, a player with an account there, and the activities that lead from one to the other. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { addBankAccount } from '#activities/payments/commands/bank-accounts.ts';
import { createSepaConnector } from '#activities/payments/connectors/sepa.ts';
import { openBank } from '#activities/payments/sepa/bank-client.ts';
import { createBankReportActivities } from '#activities/payments/sepa/bank-reports.ts';
import { createPayoutBatchActivities } from '#activities/payments/sepa/payout-batches.ts';
import { sealPersonalData } from '#activities/personal-data.ts';
import type { Database } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { startParty, createTemporaryDirectory } from '#sandbox/support/party-process.ts';
import { makePlayer, paymentActivities } from './payment-world.ts';
import { fundPlayer, startWithdrawal } from './payout-acts.ts';

export const ourIban = 'MT84MALT011000012345MTLCAST001S';
export const playersIban = 'DE89370400440532013000';

export async function openBankWorld(db: Database) {
  const directory = createTemporaryDirectory();
  const party = await startParty('bank', {
    STATE_DIR: directory.path,
    API_KEY: 'bank-world',
    ACCOUNT_IBAN: ourIban,
  });
  const bank = openBank(
    { url: party.url, apiKey: 'bank-world', iban: ourIban, bic: 'MALTMTMT', name: 'Pitboss Malta Ltd' },
    2_500,
  );
  const keyRing = createKeyRing({ kek: randomBytes(32), blindIndexKey: randomBytes(32) });
  const deps = { db, keyRing, bank, log: pino({ level: 'silent' }) };
  const post = (path: string, body: object, method = 'POST') =>
    fetch(`${party.url}${path}`, { method, body: JSON.stringify(body) });
  const batches = createPayoutBatchActivities(deps);
  const reports = createBankReportActivities(deps);
  const payments = paymentActivities(db, new Map([['sepa', createSepaConnector(db)]]));

  return {
    deps,
    batches,
    reports,
    payments,
    scenario: (order: object) =>
      post('/_scenario', { statusMs: 5, bookMs: 5, returnMs: 5, ...order }, 'PUT').then((answer) => {
        if (!answer.ok) throw new Error(`the scenario was refused: ${answer.status}`);
      }),
    incoming: (order: object) => post('/_scenario/incoming', { iban: playersIban, ...order }),
    closeDay: () => post('/_scenario/close-day', {}),
    refuse: (durationMs: number) => post('/_scenario/refuse', { durationMs }),
    books: async () =>
      (await (await fetch(`${party.url}/_books`)).json()) as {
        files: { messageId: string; sha256: string }[];
        payments: { endToEndId: string; cents: number; state: string }[];
      },
    async stop() {
      await party.stop();
      directory.remove();
    },

    /** A player named Ada Example with 200 euros and an account. */
    async player(): Promise<{ playerId: string; instrumentId: string }> {
      const playerId = await makePlayer(db, 'MT');
      await db.transaction().execute(async (trx) => {
        await sealPersonalData(trx, keyRing, playerId, {
          general: { email: `${playerId}@example.test` },
          aml: { firstName: 'Ada', lastName: 'Example', dateOfBirth: '1990-05-17' },
        });
      });
      await fundPlayer(db, playerId, { psp: 'sepa' });
      const { instrumentId } = orThrow(await addBankAccount(db, keyRing, { playerId, iban: playersIban }));
      return { playerId, instrumentId };
    },

    /** An approved withdrawal whose payout waits for the next file. */
    async queued(amount: string, who?: { playerId: string; instrumentId: string }) {
      const { playerId, instrumentId } = who ?? (await this.player());
      const at = await startWithdrawal(db, payments, { playerId, instrumentId, amount });
      const { withdrawalId } = at;
      const sent = await payments.provider.sendPayout(at);
      return { playerId, withdrawalId, sent };
    },

    /** Imports until `enough` says so. */
    async importUntil(enough: () => Promise<boolean>): Promise<void> {
      for (let tries = 0; tries < 200; tries += 1) {
        await reports.importReports();
        if (await enough()) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('the bank has not reported what was waited for');
    },
  };
}

export type BankWorld = Awaited<ReturnType<typeof openBankWorld>>;
