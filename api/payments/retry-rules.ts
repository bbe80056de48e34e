/** How often a card may be tried, in the back office: the rows of networks are shown, stricter ones of ours are proposed and confirmed. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  confirmRetryRule,
  endRetryRule,
  proposeRetryRule,
  type RetryRuleRow,
} from '#activities/payments/commands/retry-rules.ts';
import type { Api } from '../app.ts';
import { requireAllBrands, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { idParam, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, json } from './payment-schemas.ts';

const reason = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });
const network = z
  .string()
  .regex(/^[a-z]{2,20}$/)
  .openapi({ example: 'visa', description: 'Lower-case scheme, or `any`.' });
const scope = z.enum(['card', 'card-currency', 'card-amount', 'card-amount-currency']);

const ruleInput = z
  .strictObject({
    network,
    rule: z.enum(['attempts', 'reattempts']),
    windowS: z.int().min(60).max(31_622_400),
    maximum: z.int().min(0).max(1_000),
    scope,
    imposedBy: z.enum(['acquirer', 'operator']),
    psp: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,30}$/)
      .optional()
      .openapi({ description: "Of an acquirer's row: counted at this PSP alone." }),
    edition: z.string().trim().min(1).max(200),
    source: z.string().trim().min(1).max(500),
    validTo: timestamp.optional(),
    reason,
  })
  .refine((rule) => rule.psp === undefined || rule.imposedBy === 'acquirer', {
    path: ['psp'],
    message: 'has a place in a row of an acquirer only',
  })
  .openapi('RetryRuleInput');

const ruleOutput = z
  .strictObject({
    ruleId: z.uuid(),
    network: z.string(),
    rule: z.enum(['attempts', 'reattempts', 'never', 'wait']),
    windowS: z.int().nullable().openapi({ description: 'Null: for ever.' }),
    maximum: z.int(),
    scope,
    codes: z.array(z.string()),
    adviceCodes: z.array(z.string()),
    declineClass: z.string().nullable(),
    imposedBy: z.enum(['network', 'acquirer', 'operator']),
    psp: z.string().nullable(),
    edition: z.string(),
    source: z.string(),
    validFrom: timestamp,
    validTo: timestamp.nullable(),
    author: z.string(),
    reason: z.string(),
    confirmedBy: z.string().nullable().openapi({ description: 'Null: not in force.' }),
    endedBy: z.string().nullable(),
  })
  .openapi('RetryRule');

const toApiRule = (row: RetryRuleRow): z.infer<typeof ruleOutput> => ({
  ruleId: row.id,
  network: row.network,
  rule: ruleOutput.shape.rule.parse(row.rule),
  windowS: row.windowS,
  maximum: row.maximum,
  scope: scope.parse(row.scope),
  codes: row.codes,
  adviceCodes: row.adviceCodes,
  declineClass: row.declineClass,
  imposedBy: ruleOutput.shape.imposedBy.parse(row.imposedBy),
  psp: row.psp,
  edition: row.edition,
  source: row.source,
  validFrom: row.validFrom.toISOString(),
  validTo: row.validTo?.toISOString() ?? null,
  author: row.author,
  reason: row.reason,
  confirmedBy: row.confirmedBy,
  endedBy: row.endedBy,
});

const path = '/admin/v1/payments/retry-rules';
const security = [{ operatorSession: [] }];
const decidedOn = [
  'invalid-request',
  'malformed-json',
  'not-authenticated',
  'forbidden',
  'not-found',
] as const;
const deedBody = body(z.strictObject({ reason }).openapi('RetryRuleDeed'));

const deedRoute = <P extends string>(
  deps: ApiDeps,
  route: { readonly path: P; readonly operationId: string; readonly summary: string },
) =>
  createRoute({
    ...route,
    method: 'post',
    tags: ['payments'],
    security,
    middleware: [requireOperator(deps, 'payments:limit:set')] as const,
    request: { params: idParam, body: deedBody },
    responses: {
      200: json(ruleOutput, 'The rule'),
      ...problemResponses(...decidedOn, 'own-approval', 'retry-rule-not-open', 'dependency-unavailable'),
    },
  });

export function mountRetryRules(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path,
      operationId: 'listRetryRules',
      tags: ['payments'],
      summary:
        'How often a card may be tried: all rows with edition and source, those in force and those before',
      security,
      middleware: [requireOperator(deps, 'payments:limit:read')] as const,
      responses: {
        200: json(z.strictObject({ items: z.array(ruleOutput) }), 'At most 500, oldest first'),
        ...problemResponses('not-authenticated', 'forbidden'),
      },
    }),
    async (c) => {
      const rows = await deps.db
        .selectFrom('payments.retryRule')
        .selectAll()
        .orderBy('createdAt')
        .orderBy('id')
        .limit(500)
        .execute();
      return c.json({ items: rows.map(toApiRule) }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path,
      operationId: 'proposeRetryRule',
      tags: ['payments'],
      summary: "Propose a row that is stricter than the network's; another person confirms it",
      security,
      middleware: [requireOperator(deps, 'payments:limit:set')] as const,
      request: { headers: idempotencyHeader, body: body(ruleInput) },
      responses: {
        200: json(ruleOutput, 'The row, not in force yet'),
        ...problemResponses(...decidedOn, 'retry-rule-looser', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      requireAllBrands(operator);
      const { operatorId } = operator;
      const { validTo, ...input } = c.req.valid('json');
      const row = await decided(deps.db, (trx) =>
        proposeRetryRule(trx, {
          ...input,
          psp: input.psp ?? null,
          validTo: validTo === undefined ? null : new Date(validTo),
          ruleId: idFromKey('retry-rule', operatorId, c.req.valid('header')['idempotency-key']),
          operatorId,
          fingerprint: requestFingerprint({ ...input, validTo }),
        }),
      );
      return c.json(toApiRule(row), 200);
    },
  );

  api.openapi(
    deedRoute(deps, {
      path: `${path}/{id}/confirmations`,
      operationId: 'confirmRetryRule',
      summary: 'Put a proposed row into force; nobody confirms his own',
    }),
    async (c) => {
      requireAllBrands(c.get('operator'));
      const deed = {
        ...c.req.valid('json'),
        ruleId: c.req.valid('param').id,
        operatorId: c.get('operator').operatorId,
      };
      return c.json(toApiRule(await decided(deps.db, (trx) => confirmRetryRule(trx, deed))), 200);
    },
  );

  api.openapi(
    deedRoute(deps, {
      path: `${path}/{id}/endings`,
      operationId: 'endRetryRule',
      summary: 'End a row of an acquirer or the operator; nobody ends his own',
    }),
    async (c) => {
      requireAllBrands(c.get('operator'));
      const deed = {
        ...c.req.valid('json'),
        ruleId: c.req.valid('param').id,
        operatorId: c.get('operator').operatorId,
      };
      return c.json(toApiRule(await decided(deps.db, (trx) => endRetryRule(trx, deed))), 200);
    },
  );
}
