/** Rule sets in the back office: what rules may speak of, checks of a draft, versions, and their life cycle. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  draftRules,
  recordSimulation,
  takeRuleStep,
  type RuleVersionRow,
} from '#activities/backoffice/commands/rule-versions.ts';
import { simulateDecisions } from '#activities/payments/commands/simulate-decisions.ts';
import { simulateScorecard } from '#activities/risk/commands/simulate-scorecard.ts';
import type { Database } from '#db/connect.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import {
  readRuleSet,
  ruleSetNames,
  ruleSets,
  type RuleSet,
  type RuleSetName,
} from '#domain/backoffice/rule-sets.ts';
import { fail, FailureError, orThrow, succeed } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { maySee, requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { mustBeBrand } from '../payments/must-be-brand.ts';
import { body, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { mountRuleMatches } from './rule-matches.ts';
import {
  checkInput,
  cloneInput,
  draftInput,
  readingOutput,
  ruleSetOutput,
  ruleSetParam,
  simulationInput,
  simulationOutput,
  stepInput,
  toApiReading,
  toApiVersion,
  versionDetailOutput,
  versionOutput,
  versionQuery,
} from './rule-set-schemas.ts';

const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'] as const;
const security = [{ operatorSession: [] }];

export function mountRuleSets(api: Api, deps: ApiDeps): void {
  mountCatalogue(api, deps);
  mountDrafts(api, deps);
  mountClones(api, deps);
  mountRuleMatches(api, deps);
  mountVersions(api, deps);
  mountLifeCycle(api, deps);
}

function mountCatalogue(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/rule-sets',
      operationId: 'listRuleSets',
      tags: ['backoffice'],
      summary: 'The rule sets that you may read, and the fields that their rules may use',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:read')] as const,
      responses: {
        200: json(z.strictObject({ items: z.array(ruleSetOutput) }), 'The rule sets'),
        ...problemResponses('not-authenticated', 'forbidden', 'dependency-unavailable'),
      },
    }),
    (c) => {
      const { roles } = c.get('operator');
      const items = ruleSetNames.flatMap((name) => {
        const { title, catalogue, permissions } = ruleSets[name];
        if (!mayDo(roles, permissions.read)) return [];
        const fields = [...catalogue.fields.values()].map((field) => ({
          name: field.name,
          type: field.type.kind,
          label: field.label,
          source: field.source,
          absence: field.absence ?? null,
          mayLag: field.mayLag === true,
          values: field.type.kind === 'enum' ? [...field.type.values] : null,
        }));
        return [{ name, title, costMax: catalogue.costMax, fields }];
      });
      return c.json({ items }, 200);
    },
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rule-sets/{ruleSet}/checks',
      operationId: 'checkRules',
      tags: ['backoffice'],
      summary: 'Check rules without keeping them: sentences, cost, warnings, dead rows and gaps',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
      request: { params: ruleSetParam, body: body(checkInput) },
      responses: {
        200: json(readingOutput, 'The rules are valid'),
        ...problemResponses(...reads, 'malformed-json', 'rule-invalid'),
      },
    }),
    (c) => {
      const { ruleSet } = c.req.valid('param');
      requireRight(c.get('operator'), ruleSets[ruleSet], 'draft');
      return c.json(toApiReading(orThrow(readRuleSet(ruleSet, c.req.valid('json').content))), 200);
    },
  );
}

function mountDrafts(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rule-sets/{ruleSet}/versions',
      operationId: 'draftRules',
      tags: ['backoffice'],
      summary: 'Draft the next version; it never changes again, a correction is another draft',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
      request: { params: ruleSetParam, headers: idempotencyHeader, body: body(draftInput) },
      responses: {
        200: json(versionOutput, 'The draft'),
        ...problemResponses(
          ...reads,
          'malformed-json',
          'not-found',
          'rule-invalid',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const { ruleSet } = c.req.valid('param');
      const input = c.req.valid('json');
      requireRight(operator, ruleSets[ruleSet], 'draft');
      await mustBeBrand(deps.db, operator, input.brand);
      orThrow(readRuleSet(ruleSet, input.content));
      const row = await decided(deps.db, (trx) =>
        draftRules(trx, {
          ...input,
          ruleSet,
          versionId: idFromKey(
            `rules:${ruleSet}`,
            operator.operatorId,
            c.req.valid('header')['idempotency-key'],
          ),
          operatorId: operator.operatorId,
          fingerprint: requestFingerprint(input),
        }),
      );
      return c.json(toApiVersion(row), 200);
    },
  );
}

/** What is shipped, or has proven itself, is where most drafts begin. */
function mountClones(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rule-versions/{id}/drafts',
      operationId: 'cloneRuleVersion',
      tags: ['backoffice'],
      summary: 'Draft the next version with the content of this one, for its own brand or another',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
      request: { params: idParam, headers: idempotencyHeader, body: body(cloneInput) },
      responses: {
        200: json(versionOutput, 'The draft'),
        ...problemResponses(
          ...reads,
          'malformed-json',
          'not-found',
          'rule-invalid',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const { id } = c.req.valid('param');
      const { note, brand: wanted } = c.req.valid('json');
      const { ruleSet, content, brand: own } = await mustSee(deps.db, operator, id, 'draft');
      const brand = wanted ?? own;
      await mustBeBrand(deps.db, operator, brand);
      orThrow(readRuleSet(ruleSet, content));
      const row = await decided(deps.db, (trx) =>
        draftRules(trx, {
          ruleSet,
          brand,
          content,
          note,
          versionId: idFromKey(
            `rules:${ruleSet}`,
            operator.operatorId,
            c.req.valid('header')['idempotency-key'],
          ),
          operatorId: operator.operatorId,
          fingerprint: requestFingerprint({ clone: id, brand, note }),
        }),
      );
      return c.json(toApiVersion(row), 200);
    },
  );
}

function mountVersions(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/rule-sets/{ruleSet}/versions',
      operationId: 'listRuleVersions',
      tags: ['backoffice'],
      summary: 'Versions of a brand, newest first',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:read')] as const,
      request: { params: ruleSetParam, query: versionQuery },
      responses: {
        200: json(pageOf(versionOutput, 'RuleVersionPage'), 'A page of versions'),
        ...problemResponses(...reads, 'not-found'),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const { ruleSet } = c.req.valid('param');
      const { brand, limit, after } = c.req.valid('query');
      requireRight(operator, ruleSets[ruleSet], 'read');
      requireBrand(operator, brand);
      const rows = await deps.db
        .selectFrom('backoffice.ruleVersion')
        .selectAll()
        .where('ruleSet', '=', ruleSet)
        .where('brand', '=', brand)
        .$if(after !== undefined, (query) =>
          query.where(
            olderThan({ table: 'backoffice.ruleVersion', column: 'createdAt', after: after ?? '' }),
          ),
        )
        .orderBy('createdAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return c.json(pageById(rows, limit, toApiVersion), 200);
    },
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/rule-versions/{id}',
      operationId: 'readRuleVersion',
      tags: ['backoffice'],
      summary: 'A version with its content and its sentences',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(versionDetailOutput, 'The version'),
        ...problemResponses(...reads, 'not-found', 'rule-invalid'),
      },
    }),
    async (c) => {
      const row = await mustSee(deps.db, c.get('operator'), c.req.valid('param').id, 'read');
      const content = z.record(z.string(), z.unknown()).parse(row.content);
      return c.json(
        {
          ...toApiVersion(row),
          content,
          reading: toApiReading(orThrow(readRuleSet(row.ruleSet, content))),
        },
        200,
      );
    },
  );
}

function mountLifeCycle(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rule-versions/{id}/simulations',
      operationId: 'simulateRules',
      tags: ['backoffice'],
      summary: 'Replay the decisions of the last days through a version; what was decided stays',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
      request: { params: idParam, body: body(simulationInput) },
      responses: {
        200: json(simulationOutput, 'What would have been different'),
        ...problemResponses(...reads, 'malformed-json', 'not-found', 'rule-invalid', 'overloaded'),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const row = await mustSee(deps.db, operator, c.req.valid('param').id, 'draft');
      const { days } = c.req.valid('json');
      const simulation = orThrow(await simulated(deps, row, days));
      const { decisions, changed } = simulation;
      const version = await decided(deps.db, (trx) =>
        recordSimulation(trx, {
          versionId: row.id,
          operatorId: operator.operatorId,
          days,
          decisions,
          changed,
        }),
      );
      return c.json(
        {
          version: toApiVersion(version),
          decisions,
          changed,
          firstChanged: simulation.firstChanged,
          undecided: simulation.undecided,
          isCapped: simulation.isCapped,
          backEnd: simulation.backEnd,
          rows: simulation.rows.map(({ row: name, decisions: count }) => ({ row: name, decisions: count })),
          samples: simulation.samples.map((sample) => ({
            ...sample,
            decidedAt: sample.decidedAt.toISOString(),
            was: [...sample.was],
            would: [...sample.would],
          })),
        },
        200,
      );
    },
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/rule-versions/{id}/steps',
      operationId: 'takeRuleStep',
      tags: ['backoffice'],
      summary: 'Publish, try beside the live version, put live, roll back, retire or discard a version',
      description:
        'Publishing needs a simulation, and another person than the author. Going live retires what was live. Rolling back needs a version that has been live, is one person’s act, and opens a review for another person. A repeat answers with the version as it is.',
      security,
      middleware: [requireOperator(deps, 'backoffice:rules:draft')] as const,
      request: { params: idParam, body: body(stepInput) },
      responses: {
        200: json(versionOutput, 'The version after the step'),
        ...problemResponses(
          ...reads,
          'malformed-json',
          'not-found',
          'own-approval',
          'version-outdated',
          'rule-step-refused',
        ),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const { id } = c.req.valid('param');
      const input = c.req.valid('json');
      await mustSee(deps.db, operator, id, input.step === 'discard' ? 'draft' : 'publish');
      const row = await decided(deps.db, (trx) =>
        takeRuleStep(trx, { ...input, versionId: id, operatorId: operator.operatorId }),
      );
      return c.json(toApiVersion(row), 200);
    },
  );
}

/** Scores keep a history of their own, which only PostgreSQL has. */
async function simulated(
  deps: ApiDeps,
  {
    id: versionId,
    ruleSet,
    brand,
  }: { readonly id: string; readonly ruleSet: RuleSetName; readonly brand: string },
  days: number,
) {
  if (ruleSet !== 'risk.fraud-scorecard') return simulateDecisions(deps, { versionId, ruleSet, brand, days });
  const scores = await simulateScorecard(deps.db, { versionId, brand, days });
  return scores.ok ? succeed({ ...scores.value, backEnd: 'postgres' as const }) : scores;
}

type Right = keyof RuleSet['permissions'];

/** The second guard: rights belong to the rule set, so they are known only when the request has named one. */
export function requireRight({ roles }: OperatorIdentity, { permissions }: RuleSet, right: Right): void {
  if (!mayDo(roles, permissions[right]))
    throw new FailureError(fail('forbidden', `This needs the permission ${permissions[right]}.`).failure);
}

async function mustSee(
  db: Database,
  operator: OperatorIdentity,
  id: string,
  right: Right,
): Promise<RuleVersionRow & { readonly ruleSet: RuleSetName }> {
  const row = await db
    .selectFrom('backoffice.ruleVersion')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  const ruleSet = ruleSetNames.find((name) => name === row?.ruleSet);
  if (row === undefined || !maySee(operator, row.brand) || ruleSet === undefined)
    throw new FailureError(fail('not-found', 'There is no such version.').failure);
  requireRight(operator, ruleSets[ruleSet], right);
  return { ...row, ruleSet };
}
