/** Rules of a brand about its payments: every change is the next version of a name, and an end is a version, too. */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsPaymentRule } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { PaymentRule } from '#domain/payments/payment-rules.ts';

export type PaymentRuleRow = Selectable<PaymentsPaymentRule>;

export type SetPaymentRule = Omit<PaymentRule, 'id' | 'version' | 'condition'> & {
  /** Has passed the checker. */
  readonly condition?: unknown;
  /** Made from the operator and the idempotency key. */
  readonly ruleId: string;
  readonly brand: string;
  readonly isActive: boolean;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

type RuleName = Pick<SetPaymentRule, 'brand' | 'name'>;

/** One at a time per name, so that of two who write its next version one sees the other's. */
export async function lockPaymentRule(trx: Trx, { brand, name }: RuleName): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`payment-rule ${brand} ${name}`}, 0))`.execute(
    trx,
  );
}

/** The newest version of a name while it is active: what replaces or ends it opens a brake, or may. */
export async function ruleInForce(trx: Trx, { brand, name }: RuleName): Promise<PaymentRuleRow | undefined> {
  const row = await trx
    .selectFrom('payments.paymentRule')
    .selectAll()
    .where('brand', '=', brand)
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.isActive === true ? row : undefined;
}

/** Writes the next version, or finds the one that the key made before. Failure: `idempotency-key-reused`. */
export async function setPaymentRule(trx: Trx, rule: SetPaymentRule): Promise<Result<PaymentRuleRow>> {
  const { ruleId, operatorId, ...content } = rule;
  await lockPaymentRule(trx, rule);
  const known = await trx
    .selectFrom('payments.paymentRule')
    .selectAll()
    .where('id', '=', ruleId)
    .executeTakeFirst();
  if (known !== undefined) {
    return known.fingerprint?.equals(rule.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another rule.');
  }
  const row = await trx
    .insertInto('payments.paymentRule')
    .values({
      ...content,
      id: ruleId,
      amount: rule.amount?.toString() ?? null,
      condition:
        rule.condition === undefined || rule.condition === null ? null : JSON.stringify(rule.condition),
      version: sql<number>`(select coalesce(max(version), 0) + 1 from payments.payment_rule
                            where brand = ${rule.brand} and name = ${rule.name})`,
      author: `operator:${operatorId}`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'payments.payment-rule.set',
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { ruleId: row.id, name: row.name, ruleVersion: row.version, isActive: row.isActive },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `payment-rule:${row.id}`, reason: row.reason },
  );
  return succeed(row);
}
