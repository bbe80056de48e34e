/** Captures and voids as the back office asks for them and sees them. */
import { z } from '@hono/zod-openapi';
import type { ModificationRow } from '#activities/payments/commands/request-modification.ts';
import { moneyOf } from '#activities/payments/payment-rows.ts';
import { modificationKinds, modificationStates } from '#domain/payments/modification-state.ts';
import { moneyInput, moneyOutput, timestamp } from '../schemas.ts';
import { idPageQuery } from './payment-schemas.ts';
import { journalOutput, noticeOutput, workItemOutput } from './payment-timeline.ts';

const reason = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });
const state = z.enum(modificationStates);
const kind = z.enum(modificationKinds);

export const captureInput = z
  .strictObject({
    money: moneyInput
      .optional()
      .openapi({ description: 'All that is held and not captured yet where left out.' }),
    isFinal: z.boolean().default(true).openapi({
      description:
        'With false more captures may follow, where brand and PSP take several; otherwise what is not captured is given up.',
    }),
    reason,
  })
  .openapi('CaptureRequest');

export const voidInput = z.strictObject({ reason }).openapi('VoidRequest');

export const modificationDecision = z
  .strictObject({
    decision: z.enum(['approve', 'refuse']),
    reason,
    payloadHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .openapi({ example: '0123456789abcdef'.repeat(4), description: 'As it was shown.' }),
  })
  .openapi('ModificationDecision');

export const modificationQuery = idPageQuery.extend({
  state: state.optional(),
  depositId: z.uuid().optional(),
});

const shape = {
  modificationId: z.uuid(),
  depositId: z.uuid(),
  kind,
  isFinal: z
    .boolean()
    .openapi({ description: 'Nothing is captured after it. A capture of all that is left always is.' }),
  playerId: z.uuid(),
  brand: z.string(),
  state,
  money: moneyOutput,
  psp: z.string(),
  reference: z.string().openapi({ description: 'Ours at the PSP.' }),
  callState: z.string().openapi({ description: 'Where the call to the PSP stands.' }),
  rawCode: z.string().nullable(),
  reason: z.string(),
  failureReason: z.string().nullable(),
  needsApproval: z.boolean(),
  payloadHash: z.string(),
  requestedBy: z.uuid(),
  requestedAt: timestamp,
  decidedBy: z.uuid().nullable(),
  decidedAt: timestamp.nullable(),
  closedAt: timestamp.nullable(),
};

export const modificationOutput = z.strictObject(shape).openapi('Modification');

export const modificationTimeline = z
  .strictObject({
    ...shape,
    workflowId: z.string().openapi({ description: 'Find it in the Temporal UI.' }),
    journals: z.array(journalOutput),
    notices: z.array(noticeOutput),
    workItems: z.array(workItemOutput),
  })
  .openapi('ModificationTimeline');

export const toApiModification = (row: ModificationRow): z.infer<typeof modificationOutput> => ({
  modificationId: row.id,
  depositId: row.depositId,
  kind: kind.parse(row.kind),
  isFinal: row.isFinal,
  playerId: row.playerId,
  brand: row.brand,
  state: state.parse(row.state),
  money: moneyOf(row),
  psp: row.psp,
  reference: row.reference,
  callState: row.callState,
  rawCode: row.rawCode,
  reason: row.reason,
  failureReason: row.failureReason,
  needsApproval: row.needsApproval,
  payloadHash: row.payloadHash.toString('hex'),
  requestedBy: row.requestedBy,
  requestedAt: row.requestedAt.toISOString(),
  decidedBy: row.decidedBy,
  decidedAt: row.decidedAt?.toISOString() ?? null,
  closedAt: row.closedAt?.toISOString() ?? null,
});
