/**
 * The second look at a roll-back of rules: opened with it, closed by another person, who confirms it or puts another
 * version live. A roll-back itself waits for nobody, because it is how a mistake is stopped.
 */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { BackofficeRuleReview } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type RuleReviewRow = Selectable<BackofficeRuleReview>;

export type RollBack = {
  readonly versionId: string;
  readonly ruleSet: string;
  readonly brand: string;
  /** Number of the version that made way. */
  readonly replaced: number | null;
  readonly operatorId: string;
  readonly reason: string;
};

export async function openRuleReview(trx: Trx, { operatorId, ...rollBack }: RollBack): Promise<void> {
  await trx
    .insertInto('backoffice.ruleReview')
    .values({ ...rollBack, rolledBackBy: operatorId })
    .execute();
}

/**
 * Whoever puts another version live has looked at the roll-backs before it, but not at his own: those stay open, so that
 * nobody covers what he did with a further step.
 */
export async function closeReviewsOfReplaced(
  trx: Trx,
  step: Pick<RollBack, 'ruleSet' | 'brand' | 'operatorId' | 'reason'>,
): Promise<void> {
  const rows = await trx
    .selectFrom('backoffice.ruleReview')
    .selectAll()
    .where('ruleSet', '=', step.ruleSet)
    .where('brand', '=', step.brand)
    .where('closedAt', 'is', null)
    .where('rolledBackBy', '<>', step.operatorId)
    .forUpdate()
    .execute();
  for (const row of rows) await closeReview(trx, row, 'replaced', step);
}

/** Failures: `not-found`, `own-approval` (it is the roll-back of `ownerId`), `rule-step-refused` (it is closed). */
export async function assignRuleReview(
  trx: Trx,
  id: string,
  { ownerId, operatorId }: { readonly ownerId: string; readonly operatorId: string },
): Promise<Result<RuleReviewRow>> {
  const row = await lockReview(trx, id);
  if (row === undefined) return notFound;
  if (row.closedAt !== null) return closed;
  if (row.rolledBackBy === ownerId)
    return fail('own-approval', 'Whoever rolled back cannot own the look at it.');
  if (row.owner === ownerId) return succeed(row);
  await appendEvent(
    trx,
    {
      type: 'backoffice.rule-review.assigned',
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { reviewId: row.id, versionId: row.versionId, ruleSet: row.ruleSet, ownerId },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `rules:${row.versionId}` },
  );
  return succeed(
    await trx
      .updateTable('backoffice.ruleReview')
      .set({ owner: ownerId })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow(),
  );
}

/**
 * Another person agrees with the roll-back. A repeat by the same person answers with the review as it is. Failures:
 * `not-found`, `own-approval`, `rule-step-refused` (it is closed).
 */
export async function confirmRollBack(
  trx: Trx,
  id: string,
  by: { readonly operatorId: string; readonly reason: string },
): Promise<Result<RuleReviewRow>> {
  const row = await lockReview(trx, id);
  if (row === undefined) return notFound;
  if (row.rolledBackBy === by.operatorId)
    return fail('own-approval', 'Another person must look at what you rolled back.');
  if (row.closedAt !== null)
    return row.outcome === 'confirmed' && row.closedBy === by.operatorId ? succeed(row) : closed;
  return succeed(await closeReview(trx, row, 'confirmed', by));
}

async function closeReview(
  trx: Trx,
  row: RuleReviewRow,
  outcome: 'confirmed' | 'replaced',
  { operatorId, reason }: { readonly operatorId: string; readonly reason: string },
): Promise<RuleReviewRow> {
  const updated = await trx
    .updateTable('backoffice.ruleReview')
    .set({ outcome, closedBy: operatorId, closingReason: reason, closedAt: sql<Date>`now()` })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'backoffice.rule-review.closed',
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { reviewId: row.id, versionId: row.versionId, ruleSet: row.ruleSet, outcome },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `rules:${row.versionId}`, reason },
  );
  return updated;
}

const notFound = fail('not-found', 'There is no such review.');
const closed = fail('rule-step-refused', 'The review is closed.');

const lockReview = (trx: Trx, id: string): Promise<RuleReviewRow | undefined> =>
  trx.selectFrom('backoffice.ruleReview').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
