/** What the cashier's routes take and answer, and rows turned into it. */
import { z } from '@hono/zod-openapi';
import {
  moneyOf,
  type DepositRow,
  type InstrumentRow,
  type WithdrawalRow,
} from '#activities/payments/payment-rows.ts';
import { depositStates, withdrawalStates } from '#domain/payments/withdrawal-decision.ts';
import { moneyOutput, nullableMoneyOutput, pageQuery, timestamp } from '../schemas.ts';

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

export const body = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
});

/** Wallets that the connectors send players to. */
export const walletNames = ['paypal'] as const;

export const nextActionOutput = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('redirect'),
      url: z.string().openapi({ description: 'Send the browser there.' }),
    }),
    z.strictObject({ type: z.literal('none') }),
  ])
  .openapi('NextAction');

export const instrumentOutput = z
  .strictObject({
    instrumentId: z.uuid(),
    kind: z.enum(['card', 'bank-account']),
    psp: z.string(),
    cardBrand: z.string().nullable(),
    last4: z.string().nullable(),
    expiryMonth: z.int().nullable(),
    expiryYear: z.int().nullable(),
  })
  .openapi('Instrument');

export const depositOutput = z
  .strictObject({
    depositId: z.uuid(),
    state: z.enum(depositStates).openapi({
      description:
        '`parked`: the outcome is unknown and a person looks at it. `authorised`: held on the card, credited when staff capture it.',
    }),
    money: moneyOutput,
    method: z.enum(['card', 'e-wallet', 'bank-transfer']),
    captured: nullableMoneyOutput.openapi({ description: 'What was credited; it may be less.' }),
    nextAction: nextActionOutput,
    reason: z.string().nullable().openapi({ description: 'Why it failed, in a word that is safe to show.' }),
    requestedAt: timestamp,
    capturedAt: timestamp.nullable(),
  })
  .openapi('Deposit');

export const withdrawalOutput = z
  .strictObject({
    withdrawalId: z.uuid(),
    state: z.enum(withdrawalStates),
    money: moneyOutput,
    instrumentId: z.uuid(),
    isCancellable: z.boolean(),
    reason: z.string().nullable(),
    requestedAt: timestamp,
    closedAt: timestamp.nullable(),
  })
  .openapi('Withdrawal');

const depositMethod = depositOutput.shape.method;
const instrumentKind = instrumentOutput.shape.kind;
const depositState = z.enum(depositStates);
const withdrawalState = z.enum(withdrawalStates);

/** `actionUrl` is that of the attempt that waits for the player, if one does. */
export function toApiDeposit(row: DepositRow, actionUrl: string | null): z.infer<typeof depositOutput> {
  const url = row.state === 'awaiting-action' ? actionUrl : null;
  return {
    depositId: row.id,
    state: depositState.parse(row.state),
    money: moneyOf(row),
    method: depositMethod.parse(row.method),
    captured:
      row.state === 'captured'
        ? moneyOf({ asset: row.asset, amount: row.capturedAmount ?? row.amount })
        : null,
    nextAction: url === null ? { type: 'none' } : { type: 'redirect', url },
    reason: row.failureReason,
    requestedAt: row.requestedAt.toISOString(),
    capturedAt: row.capturedAt?.toISOString() ?? null,
  };
}

export const toApiWithdrawal = (row: WithdrawalRow): z.infer<typeof withdrawalOutput> => ({
  withdrawalId: row.id,
  state: withdrawalState.parse(row.state),
  money: moneyOf(row),
  instrumentId: row.instrumentId,
  isCancellable: row.cancellable && ['requested', 'checking', 'awaiting-approval'].includes(row.state),
  reason: row.reason,
  requestedAt: row.requestedAt.toISOString(),
  closedAt: row.closedAt?.toISOString() ?? null,
});

export const toApiInstrument = (row: InstrumentRow): z.infer<typeof instrumentOutput> => ({
  instrumentId: row.id,
  kind: instrumentKind.parse(row.kind),
  psp: row.psp,
  cardBrand: row.cardBrand,
  last4: row.last4,
  expiryMonth: row.expiryMonth,
  expiryYear: row.expiryYear,
});

/** Keyset paging by the id of the last item. */
export const idPageQuery = pageQuery.extend({ after: z.uuid().optional() });

/** What money on its way in may be refused with, whichever way it comes. */
export const depositRefusals = [
  'amount-not-positive',
  'amount-too-precise',
  'amount-too-large',
  'unknown-asset',
  'unsupported-asset',
  'not-authenticated',
  'email-not-verified',
  'identity-not-verified',
  'player-blocked',
  'self-excluded',
  'deposit-limit-required',
  'deposit-limit-exceeded',
  'payment-method-unavailable',
  'idempotency-key-reused',
] as const;
