/**
 * What becomes of a charge that took money after its deposit had been credited from another: by the policy of brand and
 * jurisdiction it is given back through the `refund` workflow, once for ever, or left to a person.
 */
import { createHash } from 'node:crypto';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { MoneyText } from '#domain/money.ts';
import { refundReference } from '#domain/payments/reference.ts';
import { refundContent } from '#domain/payments/refund-state.ts';
import type { ActivityDeps } from '../deps.ts';
import { refundInputOf } from './commands/request-refund.ts';
import { closeWorkItems } from './commands/work-items.ts';
import { lockDeposit, moneyOf, type AttemptRow, type DepositRow } from './payment-rows.ts';
import { lockAttempt } from './record-outcome.ts';

type SecondChargeAction = 'refund' | 'person';

/** As the `refund` workflow is started. */
export type SecondChargeRefund = {
  readonly refundId: string;
  readonly reopened: number;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: MoneyText;
};

const secondTime = 'charged a second time for one deposit';

export function createSecondChargeActivities(deps: Pick<ActivityDeps, 'db'>) {
  return {
    /**
     * Asks for the refund of a second charge where the policy says so; null where a person has it. Repeating it finds
     * the same refund.
     */
    async requestSecondChargeRefund(input: {
      readonly depositId: string;
      readonly number: number;
    }): Promise<SecondChargeRefund | null> {
      return deps.db.transaction().execute(async (trx) => {
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
        return requestRefundOf(trx, deposit, attempt, secondTime);
      });
    },
  };
}

/** A charge of another amount, or one that the PSP has not named, is nothing that a rule may give back. */
const isRefundable = (deposit: DepositRow, attempt: AttemptRow): boolean =>
  deposit.state === 'captured' &&
  deposit.capturedAttempt !== null &&
  deposit.capturedAttempt !== attempt.number &&
  (attempt.state === 'late_approved' || attempt.state === 'approved') &&
  attempt.pspReference !== null &&
  attempt.processedAsset === deposit.asset &&
  attempt.processedAmount === deposit.amount;

async function policyOf(
  trx: Trx,
  { brand, jurisdiction }: Pick<DepositRow, 'brand' | 'jurisdiction'>,
): Promise<SecondChargeAction> {
  const row = await trx
    .selectFrom('payments.secondChargePolicy')
    .select('action')
    .where('brand', '=', brand)
    .where('jurisdiction', '=', jurisdiction)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.action === 'refund' ? 'refund' : 'person';
}

/** Writes the refund of a charge that its deposit was not credited from. */
export async function requestRefundOf(
  trx: Trx,
  deposit: DepositRow,
  attempt: AttemptRow,
  reason: string,
): Promise<SecondChargeRefund> {
  const id = refundIdFor(deposit.id, attempt.number);
  const content = refundContent({
    id,
    depositId: deposit.id,
    playerId: deposit.playerId,
    asset: deposit.asset,
    amount: BigInt(deposit.amount),
    reason,
  });
  const payloadHash = createHash('sha256').update(content).digest();
  const row = await trx
    .insertInto('payments.refund')
    .values({
      id,
      depositId: deposit.id,
      playerId: deposit.playerId,
      brand: deposit.brand,
      jurisdiction: deposit.jurisdiction,
      asset: deposit.asset,
      amount: deposit.amount,
      psp: attempt.psp,
      reference: refundReference(id),
      chargeReference: attempt.pspReference ?? '',
      reason,
      secondCharge: attempt.number,
      fingerprint: payloadHash,
      payloadHash,
      needsApproval: false,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await closeWorkItems(trx, `deposit:${deposit.id}`, ['late-approval'], `given back by refund ${id}`);
  await appendEvent(
    trx,
    {
      type: 'payments.refund.requested',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { refundId: id, depositId: deposit.id, money: moneyOf(row), needsApproval: false },
    },
    { actor: { kind: 'workflow', id: `deposit:${deposit.id}` }, subject: `refund:${id}`, reason },
  );
  return refundInputOf(row, 0);
}

/** A UUID (version 8) made of the charge, so that two callers mean the same refund. */
function refundIdFor(depositId: string, number: number): string {
  const hash = createHash('sha256').update(`second-charge\n${depositId}\n${number}`).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The first version for each brand and jurisdiction that has none: what was charged twice goes back by itself. */
export async function seedSecondChargePolicies(
  db: Database | Trx,
  brands: readonly { readonly id: string; readonly jurisdictions: readonly string[] }[],
): Promise<void> {
  const rows = brands.flatMap(({ id, jurisdictions }) =>
    jurisdictions.map((jurisdiction) => ({
      brand: id,
      jurisdiction,
      version: 1,
      action: 'refund' satisfies SecondChargeAction,
    })),
  );
  if (rows.length === 0) return;
  await db
    .insertInto('payments.secondChargePolicy')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['brand', 'jurisdiction', 'version']).doNothing())
    .execute();
}
