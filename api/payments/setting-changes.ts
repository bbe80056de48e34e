/** Fee terms, approver bands, the policies of charges that credit nothing and routes with their capture mode, in the back office: shown, proposed, and decided by another person. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  decideSetting,
  proposeSetting,
  settingKindOf,
  type SettingChangeRow,
} from '#activities/payments/commands/setting-changes.ts';
import { readSettings } from '#activities/payments/commands/setting-versions.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { placeOf, settingKinds } from '#domain/payments/settings.ts';
import { settingSchema } from '#domain/payments/settings.schema.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { idParam, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, json } from './payment-schemas.ts';
import { decisionAbout, proposalStanding } from '../proposal-schemas.ts';

const reason = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });
const kind = z.enum(settingKinds);

const changeInput = z
  .strictObject({
    setting: settingSchema,
    after: z.int().min(0).openapi({ description: 'The version that is in force now, 0 for none.' }),
    reason,
  })
  .openapi('SettingChangeInput');

const decisionInput = z
  .strictObject({
    ...decisionAbout('change'),
    reason,
  })
  .openapi('SettingDecision');

const changeOutput = z
  .strictObject({
    changeId: z.uuid(),
    kind,
    brand: z.string(),
    scope: z.string(),
    version: z.int().openapi({ description: 'What it becomes, or became, when it is applied.' }),
    setting: settingSchema,
    ...proposalStanding,
  })
  .openapi('SettingChange');

const settingOutput = z
  .strictObject({
    brand: z.string(),
    scope: z.string(),
    version: z.int(),
    setting: settingSchema,
    publishedAt: timestamp,
    changeId: z.uuid().nullable().openapi({ description: 'Null: shipped with the platform.' }),
  })
  .openapi('PaymentSetting');

const toApiChange = (row: SettingChangeRow): z.infer<typeof changeOutput> => ({
  changeId: row.id,
  kind: settingKindOf(row.kind),
  brand: row.brand,
  scope: row.scope,
  version: row.version,
  setting: settingSchema.parse(row.content),
  payloadHash: row.payloadHash.toString('hex'),
  state: changeOutput.shape.state.parse(row.state),
  author: row.author,
  reason: row.reason,
  proposedAt: row.proposedAt.toISOString(),
  decidedBy: row.decidedBy,
  decisionReason: row.decisionReason,
  decidedAt: row.decidedAt?.toISOString() ?? null,
});

const path = '/admin/v1/payments/setting-changes';
const security = [{ operatorSession: [] }];
const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'not-found'] as const;
const writes = [...reads, 'malformed-json', 'version-outdated', 'dependency-unavailable'] as const;
const amounts = ['amount-too-precise', 'amount-too-large', 'unknown-asset'] as const;

export function mountSettingChanges(api: Api, deps: ApiDeps): void {
  const { db } = deps;
  mountReads(api, deps);

  api.openapi(
    createRoute({
      method: 'post',
      path,
      operationId: 'proposeSetting',
      tags: ['payments'],
      summary: 'Propose the next version of a setting; what is for all brands needs all brands',
      security,
      middleware: [requireOperator(deps, 'payments:setting:propose')] as const,
      request: { headers: idempotencyHeader, body: body(changeInput) },
      responses: {
        200: json(changeOutput, 'The proposal'),
        ...problemResponses(...writes, ...amounts),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const input = c.req.valid('json');
      requireBrand(operator, placeOf(input.setting).brand);
      const { operatorId } = operator;
      const changeId = idFromKey('setting-change', operatorId, c.req.valid('header')['idempotency-key']);
      const order = { ...input, changeId, operatorId, fingerprint: requestFingerprint(input) };
      return c.json(toApiChange(await decided(db, (trx) => proposeSetting(trx, order))), 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path: `${path}/{id}/decisions`,
      operationId: 'decideSetting',
      tags: ['payments'],
      summary: 'Put a proposed setting into force, or refuse it; nobody applies his own',
      security,
      middleware: [requireOperator(deps, 'payments:setting:decide')] as const,
      request: { params: idParam, body: body(decisionInput) },
      responses: {
        200: json(changeOutput, 'The change as it was decided'),
        ...problemResponses(...writes, 'own-approval', 'setting-not-open'),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const { operatorId, roles } = operator;
      const { id } = c.req.valid('param');
      const found = await db
        .selectFrom('payments.settingChange')
        .select('brand')
        .where('id', '=', id)
        .executeTakeFirst();
      if (found === undefined || !maySee(operator, found.brand))
        throw new FailureError(fail('not-found', 'There is no such change.').failure);
      const order = { ...c.req.valid('json'), changeId: id, operatorId, roles };
      return c.json(toApiChange(await decided(db, (trx) => decideSetting(trx, order))), 200);
    },
  );
}

function mountReads(api: Api, deps: ApiDeps): void {
  const { db } = deps;
  const mayRead = requireOperator(deps, 'payments:setting:read');

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/payments/settings',
      operationId: 'listPaymentSettings',
      tags: ['payments'],
      summary: 'Settings of a kind that are in force',
      security,
      middleware: [mayRead] as const,
      request: { query: z.strictObject({ kind }) },
      responses: {
        200: json(z.strictObject({ items: z.array(settingOutput) }), 'At most 1,000'),
        ...problemResponses(...reads),
      },
    }),
    async (c) => {
      const rows = await readSettings(db, c.req.valid('query').kind, brandScope(c.get('operator')));
      const items = rows.map((row) => ({ ...row, publishedAt: row.publishedAt.toISOString() }));
      return c.json({ items }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path,
      operationId: 'listSettingChanges',
      tags: ['payments'],
      summary: 'Changes of settings, newest first',
      security,
      middleware: [mayRead] as const,
      request: {
        query: z.strictObject({ kind: kind.optional(), state: changeOutput.shape.state.optional() }),
      },
      responses: {
        200: json(z.strictObject({ items: z.array(changeOutput) }), 'At most 200'),
        ...problemResponses(...reads),
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await db
        .selectFrom('payments.settingChange')
        .selectAll()
        .$if(query.kind !== undefined, (q) => q.where('kind', '=', query.kind ?? ''))
        .$if(query.state !== undefined, (q) => q.where('state', '=', query.state ?? ''))
        .$if(brands !== null, (q) => q.where('brand', 'in', [...(brands ?? []), '*']))
        .orderBy('proposedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(200)
        .execute();
      return c.json({ items: rows.map(toApiChange) }, 200);
    },
  );
}
