/** Assessments, with the facts and the rule version they were made on. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Api } from './app.ts';
import { brandScope, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { problemResponses } from './problem.ts';
import { mountFraudScores } from './risk/fraud-scores.ts';
import { mountFraudScorings } from './risk/scorings.ts';
import { idParam, timestamp } from './schemas.ts';

const assessmentOutput = z
  .strictObject({
    assessmentId: z.uuid(),
    subject: z.string().openapi({ example: 'withdrawal:4f8e…' }),
    outcome: z.enum(['accept', 'review', 'refuse']),
    reasons: z.array(z.string()),
    ruleVersion: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).openapi({
      description: 'What the rules were given; amounts are integer units at ledger scale.',
    }),
    madeAt: timestamp,
  })
  .openapi('RiskAssessment');

export function mountRisk(api: Api, deps: ApiDeps): void {
  mountFraudScores(api, deps);
  mountFraudScorings(api, deps);
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/players/{id}/assessments',
      operationId: 'listAssessments',
      tags: ['risk'],
      summary: "Assessments of a player's withdrawals, newest first",
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'risk:assessment:read')] as const,
      request: { params: idParam },
      responses: {
        200: {
          description: 'The last 50 assessments',
          content: {
            'application/json': {
              schema: z.strictObject({ items: z.array(assessmentOutput) }).openapi('RiskAssessments'),
            },
          },
        },
        ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
      },
    }),
    async (c) => {
      const brands = brandScope(c.var.operator);
      let query = deps.db
        .selectFrom('risk.assessment')
        .selectAll()
        .where('playerId', '=', c.req.valid('param').id)
        .orderBy('madeAt', 'desc')
        .limit(50);
      if (brands !== null) query = query.where('brand', 'in', [...brands]);
      const rows = await query.execute();
      const items = rows.map((row) => ({
        assessmentId: row.id,
        subject: row.subject,
        outcome: assessmentOutput.shape.outcome.parse(row.outcome),
        reasons: row.reasons,
        ruleVersion: row.ruleVersion,
        facts: assessmentOutput.shape.facts.parse(row.facts),
        madeAt: row.madeAt.toISOString(),
      }));
      return c.json({ items }, 200);
    },
  );
}
