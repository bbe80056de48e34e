/** What a PSP holds of a deposit: the row that captures draw on, locked after its deposit's row, as everywhere. */
import { sql, type Selectable } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsAuthorisation } from '#db/schema.generated.ts';
import type { AttemptRow, DepositRow } from './payment-rows.ts';

export type AuthorisationRow = Selectable<PaymentsAuthorisation>;

/** Units that are held and not captured yet. */
export const leftOf = ({ amount, captured }: Pick<AuthorisationRow, 'amount' | 'captured'>): bigint =>
  BigInt(amount) - BigInt(captured);

export async function findAuthorisation(
  db: Database | Trx,
  depositId: string,
): Promise<AuthorisationRow | null> {
  const row = await db
    .selectFrom('payments.authorisation')
    .selectAll()
    .where('depositId', '=', depositId)
    .executeTakeFirst();
  return row ?? null;
}

/** The caller holds the deposit's lock. */
export async function lockAuthorisation(trx: Trx, depositId: string): Promise<AuthorisationRow> {
  return trx
    .selectFrom('payments.authorisation')
    .selectAll()
    .where('depositId', '=', depositId)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

/** Never more than was asked for, whatever the PSP says that it holds. */
export async function openAuthorisation(trx: Trx, deposit: DepositRow, attempt: AttemptRow): Promise<void> {
  const held = BigInt(attempt.processedAmount ?? deposit.amount);
  const asked = BigInt(deposit.amount);
  await trx
    .insertInto('payments.authorisation')
    .values({
      depositId: deposit.id,
      attempt: attempt.number,
      asset: deposit.asset,
      amount: (held < asked ? held : asked).toString(),
      several: deposit.captureMode === 'in-parts' && attempt.severalCaptures === true,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export type AuthorisationEnd = 'captured' | 'final-capture' | 'void' | 'expiry' | 'elsewhere';

/** Nothing is captured from now on. `closing`: the PSP has yet to let go of the rest. An end that came before stays. */
export async function endAuthorisation(
  trx: Trx,
  depositId: string,
  endedBy: AuthorisationEnd,
  state: 'closing' | 'closed',
): Promise<void> {
  await trx
    .updateTable('payments.authorisation')
    .set({ state, endedBy, ...(state === 'closed' ? { closedAt: sql<Date>`now()` } : {}) })
    .where('depositId', '=', depositId)
    .where('state', '=', 'open')
    .execute();
}

/** The PSP holds nothing any more. */
export async function closeAuthorisation(trx: Trx, depositId: string): Promise<void> {
  await trx
    .updateTable('payments.authorisation')
    .set({ state: 'closed', closedAt: sql<Date>`now()` })
    .where('depositId', '=', depositId)
    .where('state', '=', 'closing')
    .execute();
}
