/** The second look at roll-backs of rules: what waits for it and how long, who owns it, and its confirmation. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  assignRuleReview,
  confirmRollBack,
  type RuleReviewRow,
} from '#activities/backoffice/commands/rule-reviews.ts';
import type { Database } from '#db/connect.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { ruleSetNames, ruleSets, type RuleSetName } from '#domain/backoffice/rule-sets.ts';
import { fail, FailureError } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { newerThan, pageById } from '../keyset.ts';
import { body, idPageQuery, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { requireColleague } from './colleague.ts';
import { requireRight } from './rule-sets.ts';

const reviewOutput = z
  .strictObject({
    id: z.uuid(),
    ruleSet: z.enum(ruleSetNames),
    brand: z.string(),
    versionId: z.uuid().openapi({ description: 'What was rolled back to.' }),
    replaced: z.int().nullable().openapi({ description: 'Number of the version that made way.' }),
    rolledBackBy: z.uuid(),
    reason: z.string(),
    ownerId: z.uuid().nullable(),
    openedAt: timestamp,
    ageS: z.int().openapi({ description: 'Until it was closed, or until now.' }),
    outcome: z.enum(['confirmed', 'replaced']).nullable().openapi({
      description: '`replaced`: another person put another version live. Null while it is open.',
    }),
    closedBy: z.uuid().nullable(),
    closedAt: timestamp.nullable(),
    closingReason: z.string().nullable(),
  })
  .openapi('RuleReview');

const outcome = reviewOutput.shape.outcome;

const toApiReview = (row: RuleReviewRow): z.infer<typeof reviewOutput> => ({
  id: row.id,
  ruleSet: z.enum(ruleSetNames).parse(row.ruleSet),
  brand: row.brand,
  versionId: row.versionId,
  replaced: row.replaced,
  rolledBackBy: row.rolledBackBy,
  reason: row.reason,
  ownerId: row.owner,
  openedAt: row.openedAt.toISOString(),
  ageS: Math.max(0, Math.floor(((row.closedAt?.getTime() ?? Date.now()) - row.openedAt.getTime()) / 1_000)),
  outcome: outcome.parse(row.outcome),
  closedBy: row.closedBy,
  closedAt: row.closedAt?.toISOString() ?? null,
  closingReason: row.closingReason,
});

const common = { tags: ['backoffice'], security: [{ operatorSession: [] }] };
const path = '/admin/v1/rule-reviews';
const writes = [
  'malformed-json',
  'invalid-request',
  'not-authenticated',
  'forbidden',
  'not-found',
  'own-approval',
  'rule-step-refused',
  'dependency-unavailable',
] as const;

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'listRuleReviews',
    summary: 'Roll-backs of rules that another person looks at, oldest first',
    middleware: [requireOperator(deps, 'backoffice:rules:read')] as const,
    request: { query: idPageQuery.extend({ state: z.enum(['open', 'closed']).optional() }) },
    responses: {
      200: json(pageOf(reviewOutput, 'RuleReviewPage'), 'A page of reviews'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'),
    },
  });

const ownerRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/owner`,
    operationId: 'assignRuleReview',
    summary: 'Take the review of a roll-back, or give it to a colleague; not to who rolled back',
    middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
    request: {
      params: idParam,
      body: body(
        z
          .strictObject({ ownerId: z.uuid().optional().openapi({ description: 'Yourself, if left out.' }) })
          .openapi('RuleReviewOwner'),
      ),
    },
    responses: { 200: json(reviewOutput, 'The review'), ...problemResponses(...writes) },
  });

const confirmRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/confirmations`,
    operationId: 'confirmRollBack',
    summary: 'Agree with the roll-back of another person',
    description:
      'Whoever does not agree puts another version live, which closes the review as `replaced`: a new one with its own two people, or the one that made way by a roll-back, which another person looks at in turn.',
    middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
    request: {
      params: idParam,
      body: body(
        z
          .strictObject({
            reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
          })
          .openapi('RollBackConfirmation'),
      ),
    },
    responses: { 200: json(reviewOutput, 'The review'), ...problemResponses(...writes) },
  });

export function mountRuleReviews(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state } = c.req.valid('query');
    const { operator } = c.var;
    const brands = brandScope(operator);
    const readable = ruleSetNames.filter((name) => mayDo(operator.roles, ruleSets[name].permissions.read));
    const rows = await db
      .selectFrom('backoffice.ruleReview')
      .selectAll()
      // Of no set at all is nothing, and SQL has no empty list.
      .where('ruleSet', 'in', readable.length > 0 ? readable : [''])
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(state !== undefined, (query) => query.where('closedAt', state === 'open' ? 'is' : 'is not', null))
      .$if(after !== undefined, (query) =>
        query.where(newerThan({ table: 'backoffice.rule_review', column: 'openedAt', after: after ?? '' })),
      )
      .orderBy('openedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiReview), 200);
  });

  api.openapi(ownerRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operatorId } = c.var.operator;
    const { ruleSet, brand } = await mustPublish(db, c.var.operator, id);
    const ownerId = c.req.valid('json').ownerId ?? operatorId;
    await requireColleague(db, ownerId, { permission: ruleSets[ruleSet].permissions.publish, brand });
    return c.json(
      toApiReview(await decided(db, (trx) => assignRuleReview(trx, id, { ownerId, operatorId }))),
      200,
    );
  });

  api.openapi(confirmRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operatorId } = c.var.operator;
    await mustPublish(db, c.var.operator, id);
    const { reason } = c.req.valid('json');
    return c.json(
      toApiReview(await decided(db, (trx) => confirmRollBack(trx, id, { operatorId, reason }))),
      200,
    );
  });
}

/** The same right as for the roll-back itself. */
async function mustPublish(
  db: Database,
  operator: OperatorIdentity,
  id: string,
): Promise<{ readonly ruleSet: RuleSetName; readonly brand: string }> {
  const row = await db
    .selectFrom('backoffice.ruleReview')
    .select(['ruleSet', 'brand'])
    .where('id', '=', id)
    .executeTakeFirst();
  const ruleSet = ruleSetNames.find((name) => name === row?.ruleSet);
  if (row === undefined || !maySee(operator, row.brand) || ruleSet === undefined)
    throw new FailureError(fail('not-found', 'There is no such review.').failure);
  requireRight(operator, ruleSets[ruleSet], 'publish');
  return { ruleSet, brand: row.brand };
}
