/** Which payments a condition holds for, for those who write rules: a count, and the newest of them. */
import { createRoute, z } from '@hono/zod-openapi';
import { matchDecisions } from '#activities/payments/commands/match-decisions.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { decisionSetNames, ruleSets } from '#domain/backoffice/rule-sets.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { body, json } from '../payments/payment-schemas.ts';
import { mustBeBrand } from '../payments/must-be-brand.ts';
import { problemResponses } from '../problem.ts';
import { timestamp } from '../schemas.ts';
import { backEnd, brandText } from './rule-set-schemas.ts';

const decisionSetParam = z.object({
  ruleSet: z.enum(decisionSetNames).openapi({ param: { name: 'ruleSet', in: 'path' } }),
});

const matchInput = z
  .strictObject({
    brand: brandText,
    condition: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'A condition over the fields of the rule set, as in a rule.' }),
    days: z.int().min(1).max(90).default(30),
    limit: z.int().min(0).max(100).default(20),
  })
  .openapi('RuleMatchRequest');

const matchOutput = z
  .strictObject({
    sentence: z.string(),
    decisions: z.int().openapi({ description: 'Of the period.' }),
    matches: z.int(),
    players: z.int().openapi({ description: 'Different players among the matches.' }),
    isCapped: z.boolean().openapi({ description: 'Only the newest 200,000 decisions were asked.' }),
    backEnd,
    samples: z.array(z.strictObject({ paymentId: z.uuid(), playerId: z.uuid(), decidedAt: timestamp })),
  })
  .openapi('RuleMatches');

export function mountRuleMatches(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rule-sets/{ruleSet}/matches',
      operationId: 'matchCondition',
      tags: ['backoffice'],
      summary: 'Count the payments of the last days that a condition holds for, and see the newest',
      description:
        'Asked of the inputs that were kept with decisions, as they were seen then. Reads with the role of reports, for at most 20 seconds.',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
      request: { params: decisionSetParam, body: body(matchInput) },
      responses: {
        200: json(matchOutput, 'What the condition holds for'),
        ...problemResponses(
          'invalid-request',
          'malformed-json',
          'not-authenticated',
          'forbidden',
          'not-found',
          'rule-invalid',
          'overloaded',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const { ruleSet } = c.req.valid('param');
      const { limit, ...asked } = c.req.valid('json');
      // Inputs are of players, so the right to read decisions is needed beside the right to write rules.
      const { read } = ruleSets[ruleSet].permissions;
      if (!mayDo(operator.roles, read))
        throw new FailureError(fail('forbidden', `This needs the permission ${read}.`).failure);
      await mustBeBrand(deps.db, operator, asked.brand);
      const found = orThrow(await matchDecisions(deps, { ...asked, ruleSet, samplesMax: limit }));
      return c.json(
        {
          ...found,
          samples: found.samples.map((sample) => ({
            ...sample,
            decidedAt: sample.decidedAt.toISOString(),
          })),
        },
        200,
      );
    },
  );
}
