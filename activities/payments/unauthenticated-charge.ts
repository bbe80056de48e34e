/**
 * What becomes of a charge whose authentication may not be used: by the policy of brand and jurisdiction its deposit ends
 * and the money goes back through the `refund` workflow, once for ever, or a person has it.
 */
import type { Database, Trx } from '#db/connect.ts';
import { afterAuthentication, transStatusOf } from '#domain/payments/three-ds.ts';
import type { ActivityDeps } from '../deps.ts';
import { refundInputOf } from './commands/request-refund.ts';
import { giveUp } from './deposit-outcomes.ts';
import { lockDeposit, type AttemptRow, type DepositRow } from './payment-rows.ts';
import { lockAttempt } from './record-outcome.ts';
import { requestRefundOf, type SecondChargeRefund } from './second-charge.ts';
import { wishOf } from './three-ds-columns.ts';

type Action = 'refund' | 'person';

/** Why such a deposit ended; the database lets its charge be refunded by this word alone. */
const notAuthenticated = 'not-authenticated';

const reason = 'the authentication of the charge may not be used';

export const createUnauthenticatedChargeActivities = (deps: Pick<ActivityDeps, 'db'>) => ({
  /** Ends the deposit and asks for the refund; null where a person has it. Repeating it finds the same refund. */
  requestUnauthenticatedRefund: (input: ChargeInput): Promise<SecondChargeRefund | null> =>
    deps.db.transaction().execute((trx) => refundUnauthenticated(trx, input)),
});

type ChargeInput = { readonly depositId: string; readonly number: number };

async function refundUnauthenticated(trx: Trx, input: ChargeInput): Promise<SecondChargeRefund | null> {
  const deposit = await lockDeposit(trx, input.depositId);
  const attempt = await lockAttempt(trx, input.depositId, input.number);
  const known = await trx
    .selectFrom('payments.refund')
    .selectAll()
    .where('depositId', '=', deposit.id)
    .where('secondCharge', '=', attempt.number)
    .executeTakeFirst();
  if (known !== undefined) return refundInputOf(known, 0);
  if (!isRefundable(deposit, attempt) || (await policyOf(trx, deposit)) === 'person') return null;
  // The end comes first: a deposit that may still be credited is not refunded beside.
  await giveUp(trx, deposit, notAuthenticated);
  return requestRefundOf(trx, deposit, attempt, reason);
}

/** A deposit that has ended, and a charge of another amount or without a name, is nothing that a rule may give back. */
const isRefundable = (deposit: DepositRow, attempt: AttemptRow): boolean =>
  deposit.state !== 'captured' &&
  deposit.state !== 'failed' &&
  (attempt.state === 'approved' || attempt.state === 'late_approved') &&
  afterAuthentication(transStatusOf(attempt.transStatus), wishOf(deposit.threeDs)) === 'refuse' &&
  attempt.pspReference !== null &&
  attempt.processedAsset === deposit.asset &&
  attempt.processedAmount === deposit.amount;

async function policyOf(
  trx: Trx,
  { brand, jurisdiction }: Pick<DepositRow, 'brand' | 'jurisdiction'>,
): Promise<Action> {
  const row = await trx
    .selectFrom('payments.unauthenticatedChargePolicy')
    .select('action')
    .where('brand', '=', brand)
    .where('jurisdiction', '=', jurisdiction)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.action === 'refund' ? 'refund' : 'person';
}

/** The first version for each brand and jurisdiction that has none: what may not be used goes back by itself. */
export async function seedUnauthenticatedChargePolicies(
  db: Database | Trx,
  brands: readonly { readonly id: string; readonly jurisdictions: readonly string[] }[],
): Promise<void> {
  const rows = brands.flatMap(({ id, jurisdictions }) =>
    jurisdictions.map((jurisdiction) => ({
      brand: id,
      jurisdiction,
      version: 1,
      action: 'refund' satisfies Action,
    })),
  );
  if (rows.length === 0) return;
  await db
    .insertInto('payments.unauthenticatedChargePolicy')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['brand', 'jurisdiction', 'version']).doNothing())
    .execute();
}
