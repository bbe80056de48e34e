/** How manual corrections look on the wire. */
import { z } from '@hono/zod-openapi';
import type { AdjustmentRow } from '#activities/wallet/adjustments.ts';
import { toMoneyText } from '#domain/money.ts';
import { adjustmentDirections, adjustmentReasons, adjustmentStates } from '#domain/wallet/adjustments.ts';
import { idPageQuery } from '../payments/payment-schemas.ts';
import { moneyOutput, timestamp } from '../schemas.ts';
import { assetInput } from './schemas.ts';

const direction = z.enum(adjustmentDirections);
const state = z.enum(adjustmentStates);
const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .openapi({ example: '0123456789abcdef'.repeat(4) });

export const reasonOutput = z
  .strictObject({
    code: z.string(),
    title: z.string().openapi({ description: 'What the player reads in the statement.' }),
    directions: z.array(direction),
    mayOwe: z.boolean().openapi({ description: 'A debit that cash does not cover may leave a debt.' }),
  })
  .openapi('AdjustmentReason');

// Not a `MoneyInput`: a correction may be finer than what can be paid, since a residue is what it may be about.
export const adjustmentInput = z
  .strictObject({
    playerId: z.uuid(),
    direction,
    amount: z
      .string()
      .regex(/^-?\d{1,26}(\.\d{1,18})?$/, 'must be a plain decimal string such as "12.50", not a number')
      .openapi({ example: '20.00', description: 'Positive; as fine as the ledger keeps the asset.' }),
    asset: assetInput,
    reasonCode: z.enum(adjustmentReasons.map(({ code }) => code)),
    note: z.string().trim().min(10).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('AdjustmentRequest');

export const adjustmentDecision = z
  .strictObject({
    decision: z.enum(['approve', 'refuse']),
    reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
    contentHash: hash.openapi({ description: 'Of the adjustment as it was shown.' }),
  })
  .openapi('AdjustmentDecision');

export const adjustmentQuery = idPageQuery.extend({
  playerId: z.uuid().optional(),
  state: state.optional(),
});

export const adjustmentOutput = z
  .strictObject({
    id: z.uuid(),
    playerId: z.uuid(),
    brand: z.string(),
    state,
    direction,
    money: moneyOutput,
    reasonCode: z.string(),
    note: z.string(),
    contentHash: z
      .string()
      .openapi({ description: 'Repeat it in the decision: it names exactly what was shown.' }),
    requestedBy: z.uuid(),
    requestedAt: timestamp,
    decidedBy: z.uuid().nullable(),
    decisionReason: z.string().nullable(),
    decidedAt: timestamp.nullable(),
    journalId: z.uuid().nullable(),
  })
  .openapi('Adjustment');

export const toApiAdjustment = (row: AdjustmentRow): z.infer<typeof adjustmentOutput> => ({
  id: row.id,
  playerId: row.playerId,
  brand: row.brand,
  state: state.parse(row.state),
  direction: direction.parse(row.direction),
  money: toMoneyText(BigInt(row.amount), row.asset),
  reasonCode: row.reasonCode,
  note: row.note,
  contentHash: row.contentHash.toString('hex'),
  requestedBy: row.requestedBy,
  requestedAt: row.requestedAt.toISOString(),
  decidedBy: row.decidedBy,
  decisionReason: row.decisionNote,
  decidedAt: row.decidedAt?.toISOString() ?? null,
  journalId: row.journalId,
});
