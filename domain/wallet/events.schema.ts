/** Facts about the ledger: one per journal and asset, with its entries; and what people and time did around it. */
import { z } from 'zod';
import { moneySchema } from '../money.schema.ts';

const hold = { holdId: z.uuid(), money: moneySchema };
const adjustment = {
  adjustmentId: z.uuid(),
  direction: z.enum(['credit', 'debit']),
  money: moneySchema,
  reasonCode: z.string(),
};

const rateProposal = {
  rateId: z.uuid(),
  soldAsset: z.string(),
  boughtAsset: z.string(),
  rate: z.string(),
};

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
  'wallet.hold.placed': z.strictObject({ ...hold, reason: z.string(), expiresAt: z.iso.datetime() }),
  'wallet.hold.captured': z.strictObject({ ...hold, captureId: z.uuid() }),
  'wallet.hold.released': z.strictObject(hold),
  'wallet.hold.expired': z.strictObject(hold),
  'wallet.adjustment.requested': z.strictObject(adjustment),
  'wallet.adjustment.approved': z.strictObject(adjustment),
  'wallet.adjustment.refused': z.strictObject(adjustment),
  'wallet.rate.proposed': z.strictObject(rateProposal),
  'wallet.rate.approved': z.strictObject(rateProposal),
  'wallet.rate.refused': z.strictObject(rateProposal),
  'wallet.rate.ended': z.strictObject({ rateId: z.uuid(), soldAsset: z.string(), boughtAsset: z.string() }),
  'wallet.rate.published': z.strictObject({
    rateId: z.uuid(),
    soldAsset: z.string(),
    boughtAsset: z.string(),
    rate: z.string(),
    source: z.string(),
    quotedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  }),
  'wallet.exchange.made': z.strictObject({
    exchangeId: z.uuid(),
    sold: moneySchema,
    bought: moneySchema,
    rate: z.string(),
    source: z.string(),
  }),
} as const;
