/** Fraud reports as the back office shows them, in the list, with their deposit and alone. */
import { z } from '@hono/zod-openapi';
import type { FraudAlertRow } from '#activities/payments/fraud-alert-steps.ts';
import { toMoneyText } from '#domain/money.ts';
import { fraudAlertStates } from '#domain/payments/fraud-alert.ts';
import { nullableMoneyOutput, timestamp } from '../schemas.ts';
import { journalOutput, noticeOutput, workItemOutput } from './payment-timeline.ts';

export const fraudAlertState = z.enum(fraudAlertStates);

const shape = {
  fraudAlertId: z.uuid(),
  depositId: z.uuid(),
  attempt: z.int().openapi({ description: 'The attempt whose charge was reported.' }),
  playerId: z.uuid(),
  brand: z.string(),
  psp: z.string(),
  pspReference: z.string(),
  chargeReference: z.string(),
  state: fraudAlertState,
  fraudType: z
    .string()
    .nullable()
    .openapi({ description: 'The PSP’s own word or code; null until it was asked.' }),
  isActionable: z.boolean().nullable().openapi({
    description: 'False once the PSP sees a refund or a dispute; null where it does not say.',
  }),
  money: nullableMoneyOutput.openapi({ description: 'Null where the report is about the whole charge.' }),
  dueAt: timestamp,
  dueReason: z.string(),
  expiredAt: timestamp
    .nullable()
    .openapi({ description: 'The deadline passed while nobody had decided; it may still be decided.' }),
  refundId: z.uuid().nullable(),
  disputeId: z.uuid().nullable(),
  decidedBy: z.uuid().nullable(),
  reason: z.string().nullable(),
  openedAt: timestamp,
  closedAt: timestamp.nullable(),
};

export const fraudAlertOutput = z.strictObject(shape).openapi('FraudAlert');

export const fraudAlertTimeline = z
  .strictObject({
    ...shape,
    workflowId: z.string().openapi({ description: 'Find it in the Temporal UI.' }),
    journals: z.array(journalOutput).openapi({ description: 'Always empty: a report moves no money.' }),
    notices: z.array(noticeOutput),
    workItems: z.array(workItemOutput),
  })
  .openapi('FraudAlertTimeline');

export const toApiFraudAlert = (row: FraudAlertRow): z.infer<typeof fraudAlertOutput> => ({
  fraudAlertId: row.id,
  depositId: row.depositId,
  attempt: row.attempt,
  playerId: row.playerId,
  brand: row.brand,
  psp: row.psp,
  pspReference: row.pspReference,
  chargeReference: row.chargeReference,
  state: fraudAlertState.parse(row.state),
  fraudType: row.fraudType,
  isActionable: row.isActionable,
  money: row.asset === null || row.amount === null ? null : toMoneyText(BigInt(row.amount), row.asset),
  dueAt: row.dueAt.toISOString(),
  dueReason: row.dueReason,
  expiredAt: row.expiredAt?.toISOString() ?? null,
  refundId: row.refundId,
  disputeId: row.disputeId,
  decidedBy: row.decidedBy,
  reason: row.reason,
  openedAt: row.openedAt.toISOString(),
  closedAt: row.closedAt?.toISOString() ?? null,
});
