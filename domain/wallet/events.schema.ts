/** Facts about the ledger: one per journal, with all its entries. */
import { z } from 'zod';

export const walletEvents = {
  'wallet.journal.posted': z.strictObject({
    journalId: z.uuid(),
    code: z.string(),
    integration: z.string(),
    externalId: z.string(),
    asset: z.string(),
    /** Null for a journal outside any round. */
    round: z.string().nullable(),
    game: z.string().nullable(),
    subject: z.string().nullable(),
    /** Integer units at ledger scale as text, credit positive. */
    entries: z.array(
      z.strictObject({ account: z.string(), playerId: z.uuid().nullable(), units: z.string() }),
    ),
  }),
} as const;
