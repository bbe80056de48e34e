/** Why deposits went where they went: the stored routing decisions, with the words of their conditions. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { readRouting } from '#domain/backoffice/rule-sets.ts';
import { explainTrace } from '#domain/rules/decide.ts';
import type { Api } from '../app.ts';
import { brandScope, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, pageQuery, timestamp } from '../schemas.ts';
import { json } from './payment-schemas.ts';

const decisionOutput = z
  .strictObject({
    depositId: z.uuid(),
    brand: z.string(),
    ruleVersionId: z.uuid(),
    version: z.int(),
    inputs: z.record(z.string(), z.union([z.string(), z.boolean(), z.null()])),
    trace: z.array(
      z.strictObject({
        row: z.string(),
        holds: z.boolean(),
        conditions: z.array(z.strictObject({ says: z.string(), holds: z.boolean() })),
      }),
    ),
    row: z.string().nullable().openapi({ description: 'The row that decided; null for the default.' }),
    bucket: z.int().openapi({ description: 'Where in the volume it fell, 0 to 9999.' }),
    psps: z.array(z.string()),
    shadowVersionId: z.uuid().nullable(),
    shadowPsps: z.array(z.string()).nullable(),
    tookUs: z.int(),
    decidedAt: timestamp,
  })
  .openapi('RoutingDecision');

const storedInputs = z.record(z.string(), z.union([z.string(), z.boolean(), z.null()]));
const storedTrace = z.array(z.object({ row: z.string(), holds: z.boolean(), conditions: z.string() }));

const query = pageQuery.extend({
  depositId: z.uuid().optional(),
  ruleVersionId: z.uuid().optional(),
  after: z.uuid().optional().openapi({ description: 'The deposit of the last decision before.' }),
});

export function mountRoutingDecisions(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/payments/routing-decisions',
      operationId: 'listRoutingDecisions',
      tags: ['payments'],
      summary: 'Routing decisions with version, inputs and trace, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'payments:routing:read')] as const,
      request: { query },
      responses: {
        200: json(pageOf(decisionOutput, 'RoutingDecisionPage'), 'A page of decisions'),
        ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { limit, after, depositId, ruleVersionId } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('payments.routingDecision as decision')
        .innerJoin('backoffice.ruleVersion as version', 'version.id', 'decision.ruleVersionId')
        .selectAll('decision')
        .select('version.version')
        .$if(brands !== null, (select) => select.where('decision.brand', 'in', [...(brands ?? [])]))
        .$if(depositId !== undefined, (select) => select.where('decision.depositId', '=', depositId ?? ''))
        .$if(ruleVersionId !== undefined, (select) =>
          select.where('decision.ruleVersionId', '=', ruleVersionId ?? ''),
        )
        .$if(after !== undefined, (select) =>
          select.where(
            sql<boolean>`(decision.decided_at, decision.deposit_id) <
              (select decided_at, deposit_id from payments.routing_decision where deposit_id = ${after ?? ''})`,
          ),
        )
        .orderBy('decision.decidedAt', 'desc')
        .orderBy('decision.depositId', 'desc')
        .limit(limit + 1)
        .execute();
      const page = rows.slice(0, limit);
      const rules = await readVersions(deps, [...new Set(page.map((row) => row.ruleVersionId))]);
      const items = page.map((row) => {
        const version = rules.get(row.ruleVersionId);
        const trace = storedTrace.parse(row.trace);
        return {
          depositId: row.depositId,
          brand: row.brand,
          ruleVersionId: row.ruleVersionId,
          version: row.version,
          inputs: storedInputs.parse(row.inputs),
          // A version that the code no longer reads still shows which rows held.
          trace:
            version === undefined
              ? trace.map((step) => ({ ...step, conditions: [] }))
              : explainTrace(version, trace),
          row: row.rowName,
          bucket: row.bucket,
          psps: row.psps,
          shadowVersionId: row.shadowVersionId,
          shadowPsps: row.shadowPsps,
          tookUs: row.tookUs,
          decidedAt: row.decidedAt.toISOString(),
        };
      });
      return c.json({ items, next: rows.length > limit ? (page.at(-1)?.depositId ?? null) : null }, 200);
    },
  );
}

async function readVersions({ db }: Pick<ApiDeps, 'db'>, ids: readonly string[]) {
  if (ids.length === 0) return new Map<string, never>();
  const rows = await db
    .selectFrom('backoffice.ruleVersion')
    .select(['id', 'content'])
    .where('id', 'in', [...ids])
    .execute();
  return new Map(
    rows.flatMap(({ id, content }) => {
      const rules = readRouting(content);
      return rules.ok ? [[id, rules.value] as const] : [];
    }),
  );
}
