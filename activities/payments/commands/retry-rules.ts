/** Stricter retry rules of acquirers and the operator: one person proposes, another one confirms, and another one ends. */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsRetryRule } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { isLooserThanNetwork, type RetryRule } from '#domain/payments/retry-rules.ts';
import { readRetryRules } from '../payment-limits.ts';

export type RetryRuleRow = Selectable<PaymentsRetryRule>;

export type ProposeRetryRule = Pick<RetryRule, 'network' | 'maximum' | 'scope' | 'psp'> & {
  /** Made from the operator and the idempotency key. */
  readonly ruleId: string;
  readonly rule: 'attempts' | 'reattempts';
  readonly windowS: number;
  readonly imposedBy: 'acquirer' | 'operator';
  readonly edition: string;
  readonly source: string;
  readonly validTo: Date | null;
  readonly reason: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

/** Failures: `retry-rule-looser`, `invalid-request` (an end that has passed), `idempotency-key-reused`. */
export async function proposeRetryRule(trx: Trx, rule: ProposeRetryRule): Promise<Result<RetryRuleRow>> {
  const { ruleId, operatorId, ...content } = rule;
  if (isLooserThanNetwork(rule, await readRetryRules(trx)))
    return fail('retry-rule-looser', 'The network admits less already; this row would change nothing.');
  const { rows } = await sql<{
    ahead: boolean;
  }>`select coalesce(${rule.validTo}::timestamptz > now(), true) as ahead`.execute(trx);
  if (rows[0]?.ahead !== true)
    return fail('invalid-request', 'The end of the rule has passed.', {
      fields: [{ pointer: '/validTo', detail: 'must be in the future' }],
    });
  const row = await trx
    .insertInto('payments.retryRule')
    .values({ ...content, id: ruleId, author: `operator:${operatorId}` })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) {
    const known = await findRule(trx, ruleId);
    return known?.fingerprint?.equals(rule.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another rule.');
  }
  await appendEvent(
    trx,
    {
      type: 'payments.retry-rule.proposed',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { ruleId, network: row.network, maximum: row.maximum },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `retry-rule:${ruleId}`, reason: rule.reason },
  );
  return succeed(row);
}

type Deed = { readonly ruleId: string; readonly operatorId: string; readonly reason: string };

/** Puts a proposed row into force. Failures: `not-found`, `own-approval`, `retry-rule-not-open`. A repeat answers with the row. */
export async function confirmRetryRule(
  trx: Trx,
  { ruleId, operatorId, reason }: Deed,
): Promise<Result<RetryRuleRow>> {
  const row = await findRule(trx, ruleId);
  if (row === undefined) return fail('not-found', 'There is no such rule.');
  const by = `operator:${operatorId}`;
  if (row.author === by) return fail('own-approval', 'Another person confirms the rule.');
  if (row.confirmedBy === by) return succeed(row);
  if (row.confirmedBy !== null || row.endedBy !== null)
    return fail('retry-rule-not-open', 'The rule is not waiting.');
  const confirmed = await trx
    .updateTable('payments.retryRule')
    .set({ confirmedBy: by, confirmedAt: sql<Date>`now()` })
    .where('id', '=', ruleId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, 'payments.retry-rule.confirmed', { ruleId, operatorId, reason });
  return succeed(confirmed);
}

/**
 * Ends a row, which loosens: nobody ends what he proposed himself, and what a network or the platform imposes stays.
 * Failures: `not-found`, `own-approval`, `retry-rule-not-open`.
 */
export async function endRetryRule(
  trx: Trx,
  { ruleId, operatorId, reason }: Deed,
): Promise<Result<RetryRuleRow>> {
  const row = await findRule(trx, ruleId);
  if (row === undefined) return fail('not-found', 'There is no such rule.');
  const by = `operator:${operatorId}`;
  if (row.author === by) return fail('own-approval', 'Another person ends the rule.');
  if (row.author === 'system:seed' || row.endedBy !== null)
    return fail('retry-rule-not-open', 'The rule has ended, or it is not ours to end.');
  const ended = await trx
    .updateTable('payments.retryRule')
    // A rule that was not in force yet has no time of its own to end.
    .set({ endedBy: by, validTo: sql<Date>`greatest(now(), valid_from + interval '1 microsecond')` })
    .where('id', '=', ruleId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, 'payments.retry-rule.ended', { ruleId, operatorId, reason });
  return succeed(ended);
}

const findRule = (trx: Trx, id: string): Promise<RetryRuleRow | undefined> =>
  trx.selectFrom('payments.retryRule').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

const tell = (
  trx: Trx,
  type: 'payments.retry-rule.confirmed' | 'payments.retry-rule.ended',
  { ruleId, operatorId, reason }: Deed,
): Promise<void> =>
  appendEvent(
    trx,
    { type, version: 1, brand: '*', playerId: null, payload: { ruleId } },
    { actor: { kind: 'operator', id: operatorId }, subject: `retry-rule:${ruleId}`, reason },
  );
