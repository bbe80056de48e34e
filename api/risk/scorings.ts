/** Fraud scores as they were computed, payment by payment, with the words of why. */
import { createRoute, z } from '@hono/zod-openapi';
import { readScorecard } from '#domain/backoffice/rule-sets.ts';
import { scoreBands } from '#domain/risk/scorecard.ts';
import { explainTrace } from '#domain/rules/decide.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { mustSeePlayer } from '../must-see-player.ts';
import { json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, timestamp } from '../schemas.ts';

const score = z.int().min(0).max(1_000);

const scoringOutput = z
  .strictObject({
    subject: z
      .string()
      .openapi({ description: '`deposit:{id}`, `withdrawal:{id}` or `withdrawal:{id}:payout`.' }),
    score: score.openapi({ description: 'What counted: a score that was given, else the computed one.' }),
    computed: score,
    given: score.nullable(),
    band: z.enum(scoreBands),
    start: z.int().nullable().openapi({ description: 'What everybody begins with.' }),
    why: z
      .array(z.strictObject({ row: z.string(), points: z.int(), says: z.string() }))
      .openapi({ description: 'The rows that held, the heaviest first.' }),
    inputs: z.record(z.string(), z.union([z.string(), z.boolean(), z.null()])),
    trace: z.array(
      z.strictObject({
        row: z.string(),
        holds: z.boolean(),
        conditions: z.array(z.strictObject({ says: z.string(), holds: z.boolean() })),
      }),
    ),
    ruleVersionId: z.uuid(),
    version: z.int(),
    shadowVersionId: z.uuid().nullable(),
    shadowComputed: score.nullable(),
    tookUs: z.int(),
    scoredAt: timestamp,
  })
  .openapi('FraudScoring');

const storedPoints = z.array(z.object({ row: z.string(), points: z.int() }));
const storedInputs = z.record(z.string(), z.union([z.string(), z.boolean(), z.null()]));
const storedTrace = z.array(z.object({ row: z.string(), holds: z.boolean(), conditions: z.string() }));
const band = scoringOutput.shape.band;

export function mountFraudScorings(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/players/{id}/fraud-scorings',
      operationId: 'listFraudScorings',
      tags: ['risk'],
      summary: "How a player's payments were scored, newest first, and why",
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'risk:score:read')] as const,
      request: { params: idParam, query: z.strictObject({ subject: z.string().max(100).optional() }) },
      responses: {
        200: json(z.strictObject({ items: z.array(scoringOutput) }), 'At most 50'),
        ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { subject } = c.req.valid('query');
      await mustSeePlayer(deps.db, c.get('operator'), id);
      const rows = await deps.db
        .selectFrom('risk.scoring as s')
        .innerJoin('backoffice.ruleVersion as v', 'v.id', 's.ruleVersionId')
        .selectAll('s')
        .select(['v.version', 'v.content'])
        .where('s.playerId', '=', id)
        .$if(subject !== undefined, (query) => query.where('s.subject', '=', subject ?? ''))
        .orderBy('s.scoredAt', 'desc')
        .orderBy('s.subject')
        .limit(50)
        .execute();
      const items = rows.map((row) => {
        // A version that this build cannot read still tells its points, without words.
        const scorecard = readScorecard(row.content);
        const sentences = new Map(
          scorecard.ok ? scorecard.value.rows.map(({ name, sentence }) => [name, sentence]) : [],
        );
        return {
          subject: row.subject,
          score: row.score ?? row.computed,
          computed: row.computed,
          given: row.given,
          band: band.parse(row.band),
          start: scorecard.ok ? (scorecard.value.otherwise?.points ?? null) : null,
          why: storedPoints
            .parse(row.points)
            .map((one) => ({ ...one, says: sentences.get(one.row) ?? '' }))
            .toSorted((left, right) => Math.abs(right.points) - Math.abs(left.points)),
          inputs: storedInputs.parse(row.inputs),
          trace: scorecard.ok ? explainTrace(scorecard.value, storedTrace.parse(row.trace)) : [],
          ruleVersionId: row.ruleVersionId,
          version: row.version,
          shadowVersionId: row.shadowVersionId,
          shadowComputed: row.shadowComputed,
          tookUs: row.tookUs,
          scoredAt: row.scoredAt.toISOString(),
        };
      });
      return c.json({ items }, 200);
    },
  );
}
