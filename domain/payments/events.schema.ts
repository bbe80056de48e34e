/** Facts about deposits and withdrawals. */
import { z } from 'zod';
import { moneySchema as money } from '../money.schema.ts';

export const paymentsEvents = {
  'payments.deposit.requested': z.strictObject({ depositId: z.uuid(), money }),
  'payments.attempt.resolved': z.strictObject({
    subject: z.string(),
    attempt: z.int(),
    psp: z.string(),
    outcome: z.string(),
    declineClass: z.string().nullable(),
    /** Of the table that gave the class, so that the decision can be explained later. */
    declineTableVersion: z.int(),
  }),
  'payments.deposit.captured': z.strictObject({
    depositId: z.uuid(),
    money,
    psp: z.string(),
    first: z.boolean(),
  }),
  'payments.deposit.failed': z.strictObject({ depositId: z.uuid(), money, reason: z.string() }),
  'payments.deposit.parked': z.strictObject({ depositId: z.uuid(), money, reason: z.string() }),
  'payments.withdrawal.requested': z.strictObject({ withdrawalId: z.uuid(), money }),
  'payments.withdrawal.approved': z.strictObject({
    withdrawalId: z.uuid(),
    operatorId: z.uuid(),
    approvals: z.int(),
  }),
  'payments.withdrawal.refused': z.strictObject({ withdrawalId: z.uuid(), money, reason: z.string() }),
  'payments.withdrawal.submitted': z.strictObject({ withdrawalId: z.uuid(), psp: z.string() }),
  'payments.withdrawal.paid': z.strictObject({ withdrawalId: z.uuid(), money, psp: z.string() }),
  /** A payout that was booked came back, and the money with it. */
  'payments.withdrawal.returned': z.strictObject({ withdrawalId: z.uuid(), money, reason: z.string() }),
  'payments.withdrawal.released': z.strictObject({ withdrawalId: z.uuid(), money, reason: z.string() }),
} as const;
