/** Facts about the ledger: one per journal, with all its entries. */
import { z } from 'zod';

export const walletEvents = {
  'wallet.audit.failed': z.strictObject({
    auditId: z.string(),
    kind: z.enum(['minute', 'full']),
    /** The first of them, in the words of `GET /admin/v1/ledger/audits`. */
    findings: z.array(z.string()),
  }),
  'wallet.withdrawal-stop.set': z.strictObject({ stopId: z.string(), auditId: z.string() }),
  'wallet.withdrawal-stop.lifted': z.strictObject({
    stopId: z.string(),
    /** The clean audit that it was lifted after; null when two people lifted it. */
    cleanAuditId: z.string().nullable(),
  }),
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
