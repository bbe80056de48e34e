/** Refunds as the back office asks for them and sees them. */
import { z } from '@hono/zod-openapi';
import type { RefundRow } from '#activities/payments/commands/request-refund.ts';
import { moneyOf } from '#activities/payments/payment-rows.ts';
import { refundStates } from '#domain/payments/refund-state.ts';
import { moneyInput, moneyOutput, timestamp } from '../schemas.ts';
import { idPageQuery } from './payment-schemas.ts';
import { journalOutput, noticeOutput, workItemOutput } from './payment-timeline.ts';

const reason = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });
const state = z.enum(refundStates);

export const refundInput = z
  .strictObject({
    money: moneyInput,
    reason,
  })
  .openapi('RefundRequest');

export const refundDecision = z
  .strictObject({
    decision: z.enum(['approve', 'refuse']),
    reason,
    payloadHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .openapi({ example: '0123456789abcdef'.repeat(4), description: 'Of the refund as it was shown.' }),
  })
  .openapi('RefundDecision');

export const refundQuery = idPageQuery.extend({
  state: state.optional(),
  depositId: z.uuid().optional(),
  playerId: z.uuid().optional(),
});

const refundShape = {
  refundId: z.uuid(),
  depositId: z.uuid(),
  playerId: z.uuid(),
  brand: z.string(),
  state,
  money: moneyOutput,
  psp: z.string(),
  reference: z.string().openapi({ description: 'Ours at the PSP.' }),
  pspReference: z.string().nullable(),
  callState: z.string().openapi({ description: 'Where the call to the PSP stands.' }),
  rawCode: z.string().nullable(),
  reason: z.string(),
  failureReason: z.string().nullable(),
  needsApproval: z.boolean(),
  payloadHash: z.string(),
  requestedBy: z.uuid().nullable().openapi({ description: 'Null where a policy asked for it.' }),
  requestedAt: timestamp,
  decidedBy: z.uuid().nullable(),
  decisionReason: z.string().nullable(),
  decidedAt: timestamp.nullable(),
  closedAt: timestamp.nullable(),
};

export const refundOutput = z.strictObject(refundShape).openapi('Refund');

export const refundTimeline = z
  .strictObject({
    ...refundShape,
    workflowId: z.string().openapi({ description: 'Find it in the Temporal UI.' }),
    journals: z.array(journalOutput),
    notices: z.array(noticeOutput),
    workItems: z.array(workItemOutput),
  })
  .openapi('RefundTimeline');

export const toApiRefund = (row: RefundRow): z.infer<typeof refundOutput> => ({
  refundId: row.id,
  depositId: row.depositId,
  playerId: row.playerId,
  brand: row.brand,
  state: state.parse(row.state),
  money: moneyOf(row),
  psp: row.psp,
  reference: row.reference,
  pspReference: row.pspReference,
  callState: row.callState,
  rawCode: row.rawCode,
  reason: row.reason,
  failureReason: row.failureReason,
  needsApproval: row.needsApproval,
  payloadHash: row.payloadHash.toString('hex'),
  requestedBy: row.requestedBy,
  requestedAt: row.requestedAt.toISOString(),
  decidedBy: row.decidedBy,
  decisionReason: row.decisionReason,
  decidedAt: row.decidedAt?.toISOString() ?? null,
  closedAt: row.closedAt?.toISOString() ?? null,
});
