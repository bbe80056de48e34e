/** What the cashier's routes take and answer, and rows turned into it. */
import { z } from '@hono/zod-openapi';
import {
  moneyOf,
  type DepositRow,
  type InstrumentRow,
  type WithdrawalRow,
} from '#activities/payments/payment-rows.ts';
import type { LegRow } from '#activities/payments/withdrawal-legs.ts';
import type { Database } from '#db/connect.ts';
import { toMoneyText } from '#domain/money.ts';
import { walletOfToken } from '#domain/payments/wallet-payout.ts';
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
    kind: z.enum(['card', 'e-wallet', 'bank-account', 'crypto-address']),
    psp: z.string(),
    wallet: z.enum(walletNames).nullable().openapi({ description: 'Of the kind `e-wallet`.' }),
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
    method: z.enum(['card', 'e-wallet', 'bank-transfer', 'crypto']),
    captured: nullableMoneyOutput.openapi({ description: 'What was credited; it may be less.' }),
    nextAction: nextActionOutput,
    reason: z.string().nullable().openapi({ description: 'Why it failed, in a word that is safe to show.' }),
    requestedAt: timestamp,
    capturedAt: timestamp.nullable(),
  })
  .openapi('Deposit');

const legOutput = z
  .strictObject({
    leg: z.int(),
    instrumentId: z.uuid(),
    depositId: z.uuid().nullable().openapi({
      description: 'Of a wallet: the deposit whose charge the money goes back by. Null for all others.',
    }),
    payout: moneyOutput,
    fee: moneyOutput,
    state: z
      .enum(['planned', 'paid', 'released', 'rerouted', 'returned', 'forfeited'])
      .openapi({ description: '`rerouted`: another leg pays it to the named account.' }),
  })
  .openapi('WithdrawalLeg');

export const withdrawalOutput = z
  .strictObject({
    withdrawalId: z.uuid(),
    state: z.enum(withdrawalStates).openapi({
      description: '`partly-paid`: some legs were paid, the money of the others was given back.',
    }),
    money: moneyOutput,
    fee: moneyOutput.openapi({ description: 'Part of `money`; the rest is paid out.' }),
    isFeeWaived: z.boolean().openapi({ description: 'One of the free withdrawals of this month.' }),
    instrumentId: z.uuid().openapi({ description: 'Named by the player; takes what is not paid back.' }),
    legs: z
      .array(legOutput)
      .openapi({ description: 'Money goes back to what paid in first, up to what it paid in.' }),
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

const legState = legOutput.shape.state;

/** Legs of many withdrawals at once, by withdrawal. */
export async function readLegsOf(
  db: Database,
  withdrawalIds: readonly string[],
): Promise<ReadonlyMap<string, readonly LegRow[]>> {
  const legs = new Map<string, LegRow[]>(withdrawalIds.map((id) => [id, []]));
  if (withdrawalIds.length === 0) return legs;
  const rows = await db
    .selectFrom('payments.withdrawalLeg')
    .selectAll()
    .where('withdrawalId', 'in', [...withdrawalIds])
    .orderBy('leg')
    .execute();
  for (const row of rows) legs.get(row.withdrawalId)?.push(row);
  return legs;
}

export const toApiLeg = (
  leg: {
    leg: number;
    instrumentId: string;
    depositId: string | null;
    amount: bigint | string;
    fee: bigint | string;
  },
  asset: string,
) => ({
  leg: leg.leg,
  instrumentId: leg.instrumentId,
  depositId: leg.depositId,
  payout: toMoneyText(BigInt(leg.amount) - BigInt(leg.fee), asset),
  fee: toMoneyText(BigInt(leg.fee), asset),
});

export const toApiWithdrawal = (
  row: WithdrawalRow,
  legs: readonly LegRow[],
): z.infer<typeof withdrawalOutput> => ({
  withdrawalId: row.id,
  state: withdrawalState.parse(row.state),
  money: moneyOf(row),
  fee: toMoneyText(BigInt(row.fee), row.asset),
  isFeeWaived: row.feeWaived,
  instrumentId: row.instrumentId,
  legs: legs.map((leg) => ({ ...toApiLeg(leg, row.asset), state: legState.parse(leg.state) })),
  isCancellable:
    row.cancellable && ['requested', 'checking', 'awaiting-approval', 'approved'].includes(row.state),
  reason: row.reason,
  requestedAt: row.requestedAt.toISOString(),
  closedAt: row.closedAt?.toISOString() ?? null,
});

export const toApiInstrument = (row: InstrumentRow): z.infer<typeof instrumentOutput> => ({
  instrumentId: row.id,
  kind: instrumentKind.parse(row.kind),
  psp: row.psp,
  wallet:
    row.kind === 'e-wallet' ? (walletNames.find((name) => name === walletOfToken(row.token)) ?? null) : null,
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
  'amount-below-minimum',
  'amount-above-maximum',
  'payment-limit-exceeded',
] as const;
