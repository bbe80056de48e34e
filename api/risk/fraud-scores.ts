/** Fraud scores in the back office: what scores players tells them here, with its source and how long they hold. */
import { createRoute, z } from '@hono/zod-openapi';
import { giveFraudScore, type FraudScoreRow } from '#activities/risk/commands/fraud-scores.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { mustSeePlayer } from '../must-see-player.ts';
import { body, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';

const score = z.int().min(0).max(1_000).openapi({ description: '0 is harmless, 1000 is fraud for certain.' });

const scoreInput = z
  .strictObject({
    score,
    source: z.string().trim().min(3).max(200).openapi({ description: 'Who or what scored, and how.' }),
    expiresAt: timestamp.openapi({ description: 'From then on there is no score.' }),
    after: z.int().min(0).openapi({ description: 'The version that is there now, 0 for none.' }),
    reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('FraudScoreInput');

const scoreOutput = z
  .strictObject({
    version: z.int(),
    score,
    source: z.string(),
    author: z.string(),
    reason: z.string(),
    givenAt: timestamp,
    expiresAt: timestamp,
  })
  .openapi('FraudScore');

const toApiScore = (row: FraudScoreRow): z.infer<typeof scoreOutput> => ({
  version: row.version,
  score: row.score,
  source: row.source,
  author: row.author,
  reason: row.reason,
  givenAt: row.givenAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});

const path = '/admin/v1/players/{id}/fraud-scores';
const security = [{ operatorSession: [] }];
const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'not-found'] as const;

export function mountFraudScores(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path,
      operationId: 'listFraudScores',
      tags: ['risk'],
      summary: 'The fraud scores of a player, newest first; the first holds until it runs out',
      security,
      middleware: [requireOperator(deps, 'risk:score:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(z.strictObject({ items: z.array(scoreOutput) }), 'At most 100'),
        ...problemResponses(...reads),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await mustSeePlayer(deps.db, c.get('operator'), id);
      const rows = await deps.db
        .selectFrom('risk.fraudScore')
        .selectAll()
        .where('playerId', '=', id)
        .orderBy('version', 'desc')
        .limit(100)
        .execute();
      return c.json({ items: rows.map(toApiScore) }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path,
      operationId: 'giveFraudScore',
      tags: ['risk'],
      summary: 'Give a player a fraud score that routing and 3-D Secure rules may ask for',
      security,
      middleware: [requireOperator(deps, 'risk:score:give')] as const,
      request: { params: idParam, body: body(scoreInput) },
      responses: {
        200: json(scoreOutput, 'The version'),
        ...problemResponses(...reads, 'malformed-json', 'version-outdated', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const operator = c.get('operator');
      await mustSeePlayer(deps.db, operator, id);
      const { expiresAt, ...input } = c.req.valid('json');
      const order = {
        ...input,
        expiresAt: new Date(expiresAt),
        playerId: id,
        operatorId: operator.operatorId,
      };
      return c.json(toApiScore(await decided(deps.db, (trx) => giveFraudScore(trx, order))), 200);
    },
  );
}
