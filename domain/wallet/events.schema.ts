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
    /** Jackpot parts of a game transaction in units; information where the pool is the provider's (null). */
    jackpot: z
      .strictObject({
        pool: z.string().nullable(),
        contribution: z.string().nullable(),
        win: z.string().nullable(),
      })
      .optional(),
    /** Set for a promotional transaction. `stake`, in units, is what the round would have cost. */
    free: z
      .strictObject({
        stake: z.string().nullable(),
        rewardId: z.string().nullable(),
        campaignId: z.string().nullable(),
        supplierPromo: z.boolean(),
      })
      .optional(),
  }),
} as const;
