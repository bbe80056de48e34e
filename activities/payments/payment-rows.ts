/** Rows of payments as their types, and money text from their units. */
import { sql, type Selectable } from 'kysely';
import { z } from 'zod';
import type { Database, Trx } from '#db/connect.ts';
import type {
  PaymentsAttempt,
  PaymentsDeposit,
  PaymentsInstrument,
  PaymentsPayoutAttempt,
  PaymentsWithdrawal,
} from '#db/schema.generated.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { toMoneyText, type MoneyText } from '#domain/money.ts';
import { attemptStates, type AttemptState } from '#domain/payments/attempt-state.ts';
import { declineClasses, type DeclineClass } from '#domain/payments/decline-class.ts';

export type DepositRow = Selectable<PaymentsDeposit>;
export type AttemptRow = Selectable<PaymentsAttempt>;
export type WithdrawalRow = Selectable<PaymentsWithdrawal>;
export type PayoutAttemptRow = Selectable<PaymentsPayoutAttempt>;
export type InstrumentRow = Selectable<PaymentsInstrument>;

const options = z.array(z.object({ psp: z.string(), token: z.string() }));
const returned = z.record(z.string(), z.string());

/** PSPs that a deposit may be tried at, with the player's token at each. */
export const optionsOf = (row: Pick<DepositRow, 'options'>): readonly { psp: string; token: string }[] =>
  options.parse(row.options);

/** In the order in which they are tried. */
export const pspsOf = (row: Pick<DepositRow, 'options'>): readonly string[] =>
  optionsOf(row).map(({ psp }) => psp);

export const returnedOf = (row: Pick<AttemptRow, 'returned'>): Readonly<Record<string, string>> | null =>
  row.returned === null ? null : returned.parse(row.returned);

export const moneyOf = (row: { readonly amount: string; readonly asset: string }): MoneyText =>
  toMoneyText(BigInt(row.amount), row.asset);

export function attemptStateOf(row: { readonly state: string }): AttemptState {
  const state = attemptStates.find((known) => known === row.state);
  if (state === undefined) throw new Error(`Invariant broken: attempt state ${row.state}`);
  return state;
}

export const declineClassOf = (row: { readonly declineClass: string | null }): DeclineClass | null =>
  declineClasses.find((known) => known === row.declineClass) ?? null;

export async function mustDeposit(trx: Database | Trx, depositId: string): Promise<DepositRow> {
  const row = await trx
    .selectFrom('payments.deposit')
    .selectAll()
    .where('id', '=', depositId)
    .executeTakeFirst();
  if (!row) throw new FailureError(fail('not-found', 'There is no such deposit.').failure);
  return row;
}

export async function lockDeposit(trx: Trx, depositId: string): Promise<DepositRow> {
  const row = await trx
    .selectFrom('payments.deposit')
    .selectAll()
    .where('id', '=', depositId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw new FailureError(fail('not-found', 'There is no such deposit.').failure);
  return row;
}

export async function lockWithdrawal(trx: Trx, withdrawalId: string): Promise<WithdrawalRow> {
  const row = await trx
    .selectFrom('payments.withdrawal')
    .selectAll()
    .where('id', '=', withdrawalId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw new FailureError(fail('not-found', 'There is no such withdrawal.').failure);
  return row;
}

/** Verified webhooks about a payment, as their connector wanted them stored. */
export async function readEvidence(db: Database | Trx, psp: string, subject: string): Promise<string[]> {
  const rows = await db
    .selectFrom('compliance.webhookInbox')
    .select('body')
    .where('subject', '=', subject)
    .where('source', '=', webhookSource(psp))
    .orderBy('id')
    .limit(100)
    .execute();
  return rows.map((row) => row.body);
}

/**
 * Since the call was claimed, by the database's clock; 0 before. Never as a workflow would tell it: that is less where it was
 * started again or its question had to wait, and more where the call had to wait.
 */
export const sentForMs = sql<number>`
  coalesce(greatest(0, extract(epoch from now() - sent_at) * 1000), 0)::float8`;

/** Name of a PSP in the inbox. */
export const webhookSource = (psp: string): string => `psp:${psp}`;

/** What the workflow of a deposit is started with, by the API or by a sweep. */
export const depositInputOf = (row: DepositRow) => ({
  depositId: row.id,
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
  money: moneyOf(row),
  psps: pspsOf(row),
});

/** What the workflow of a withdrawal is started with. */
export const withdrawalInputOf = (row: WithdrawalRow) => ({
  withdrawalId: row.id,
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
  money: moneyOf(row),
});
