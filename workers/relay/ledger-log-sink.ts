/** Journals into the ledger's Merkle log: a sink like the others, in the order in which facts became final. */
import { appendJournals } from '#activities/wallet/log/build-log.ts';
import type { Database } from '#db/connect.ts';
import { isFactOf, type Sink } from './block.ts';

export const createLedgerLogSink = (db: Database): Sink => ({
  name: 'ledger-log',
  blockRowsMax: 5_000,
  restMs: 100,
  deliver: async ({ facts }) => {
    await appendJournals(
      db,
      facts.flatMap((fact) => (isFactOf(fact, 'wallet.journal.posted') ? [fact.payload.journalId] : [])),
    );
  },
});
