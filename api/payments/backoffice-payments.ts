/** The back office's view of payments, and the decisions on withdrawals. */
import { z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { depositWorkflowId } from '#workflows/deposit.contract.ts';
import { withdrawalWorkflowId } from '#workflows/withdrawal.contract.ts';
import type { LegRow } from '#activities/payments/withdrawal-legs.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { actKeyOf, bindKey } from '../idempotency.ts';
import { newerThan, pageById } from '../keyset.ts';
import {
  decideRoute,
  listRoute,
  readDepositRoute,
  readWithdrawalRoute,
  type withdrawalRow,
  type withdrawalTimeline,
  workItemsRoute,
} from './backoffice-payment-routes.ts';
import { toApiFraudAlert } from './fraud-alert-schemas.ts';
import { readLegsOf, toApiDeposit, toApiWithdrawal } from './payment-schemas.ts';
import { readTimeline, toApiAttempt, toApiThreeDs, toApiWorkItem } from './payment-timeline.ts';
import { sendDecision } from './run-payments.ts';

export function mountBackofficePayments(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(readDepositRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.selectFrom('payments.deposit').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined || !maySee(c.var.operator, row.brand)) throw notFound();
    const [attempts, fraudAlerts] = await Promise.all([
      db.selectFrom('payments.attempt').selectAll().where('depositId', '=', id).orderBy('number').execute(),
      db
        .selectFrom('payments.fraudAlert')
        .selectAll()
        .where('depositId', '=', id)
        .orderBy('openedAt')
        .limit(100)
        .execute(),
    ]);
    return c.json(
      {
        ...toApiDeposit(row, attempts.find(({ state }) => state === 'action')?.actionUrl ?? null),
        ...factsOf(row),
        workflowId: depositWorkflowId(id),
        attempts: attempts.map((attempt) => toApiAttempt({ ...attempt, threeDs: toApiThreeDs(attempt) })),
        ...(await readTimeline(db, `deposit:${id}`)),
        fraudAlerts: fraudAlerts.map(toApiFraudAlert),
      },
      200,
    );
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await selectWithdrawals(deps)
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(brands !== null, (query) =>
        query.where('brand', 'in', brands === null || brands.length === 0 ? [''] : [...brands]),
      )
      .$if(after !== undefined, (query) =>
        query.where(newerThan({ table: 'payments.withdrawal', column: 'requestedAt', after: after ?? '' })),
      )
      .orderBy('requestedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    const legs = await readLegsOf(
      db,
      rows.map(({ id }) => id),
    );
    return c.json(
      pageById(rows, limit, (row) => toReview(row, legs.get(row.id) ?? [])),
      200,
    );
  });

  api.openapi(readWithdrawalRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    return c.json(await readWithdrawalTimeline(deps, c.var.operator, id), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operator } = c.var;
    const row = await db
      .selectFrom('payments.withdrawal')
      .select(['brand', 'asset', 'amount'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined || !maySee(operator, row.brand)) throw notFound();
    const role = await widestRole(db, operator.roles, row);
    if (role === undefined) throw new FailureError(fail('forbidden', 'No role of yours may decide.').failure);
    const { operatorId } = operator;
    const decision = c.req.valid('json');
    const key = actKeyOf('withdrawal-decision', operatorId, c.req.valid('header')['idempotency-key'], {
      id,
      ...decision,
    });
    await bindKey(db, key);
    await sendDecision(deps, id, key.id, { operatorId, role, ...decision });
    return c.json(await readWithdrawalTimeline(deps, operator, id), 200);
  });

  api.openapi(workItemsRoute(deps), async (c) => {
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('payments.workItem')
      .selectAll()
      .where('closedAt', 'is', null)
      .$if(brands !== null, (query) =>
        query.where('brand', 'in', brands === null || brands.length === 0 ? [''] : [...brands]),
      )
      .orderBy('openedAt')
      .limit(200)
      .execute();
    return c.json({ items: rows.map(toApiWorkItem) }, 200);
  });
}

const selectWithdrawals = (deps: Pick<ApiDeps, 'db'>) =>
  deps.db
    .selectFrom('payments.withdrawal')
    .selectAll()
    .select((where) =>
      where
        .selectFrom('payments.withdrawalApproval')
        .whereRef('withdrawalId', '=', 'payments.withdrawal.id')
        .where('decision', '=', 'approve')
        .select((count) => count.fn.countAll<bigint>().as('approvals'))
        .as('approvals'),
    );

/** Of the roles that may decide, one whose band holds the amount; without such a one the refusal will name another. */
async function widestRole(
  db: Database,
  roles: readonly string[],
  row: { readonly brand: string; readonly asset: string; readonly amount: string },
): Promise<string | undefined> {
  const held = roles.filter((role) => mayDo([role], 'payments:withdrawal:approve'));
  const { rows } = await sql<{ role: string }>`
    select role from unnest(${held}::text[]) with ordinality as held(role, place)
    order by payments.may_approve(${row.brand}, role, ${row.asset}, ${row.amount}::numeric) desc, place
    limit 1`.execute(db);
  return rows[0]?.role;
}

type ReviewRow = Awaited<ReturnType<ReturnType<typeof selectWithdrawals>['execute']>>[number];

const toReview = (row: ReviewRow, legs: readonly LegRow[]): z.infer<typeof withdrawalRow> => ({
  ...toApiWithdrawal(row, legs),
  playerId: row.playerId,
  brand: row.brand,
  approvals: Number(row.approvals ?? 0n),
  approvalsRequired: row.approvalsRequired,
  checkReasons: row.checkReasons,
  payloadHash: row.payloadHash.toString('hex'),
});

const decision = z.enum(['approve', 'refuse']);

async function readWithdrawalTimeline(
  deps: ApiDeps,
  operator: OperatorIdentity,
  id: string,
): Promise<z.infer<typeof withdrawalTimeline>> {
  const row = await selectWithdrawals(deps).where('id', '=', id).executeTakeFirst();
  if (row === undefined || !maySee(operator, row.brand)) throw notFound();
  const [attempts, decisions] = await Promise.all([
    deps.db
      .selectFrom('payments.payoutAttempt')
      .selectAll()
      .where('withdrawalId', '=', id)
      .orderBy('number')
      .execute(),
    deps.db
      .selectFrom('payments.withdrawalApproval')
      .selectAll()
      .where('withdrawalId', '=', id)
      .orderBy('decidedAt')
      .execute(),
  ]);
  return {
    ...toReview(row, (await readLegsOf(deps.db, [id])).get(id) ?? []),
    ...factsOf(row),
    workflowId: withdrawalWorkflowId(id),
    attempts: attempts.map(toApiAttempt),
    ...(await readTimeline(deps.db, `withdrawal:${id}`)),
    decisions: decisions.map((one) => ({
      operatorId: one.operatorId,
      decision: decision.parse(one.decision),
      role: one.role,
      reason: one.reason,
      decidedAt: one.decidedAt.toISOString(),
    })),
  };
}

const factsOf = (row: {
  playerId: string;
  brand: string;
  jurisdiction: string;
  jurisdictionVersion: number;
}) => ({
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
  jurisdictionVersion: row.jurisdictionVersion,
});

const notFound = (): FailureError =>
  new FailureError(fail('not-found', 'There is nothing at this address.').failure);
