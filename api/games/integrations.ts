/** Provider connections in the back office: made, read, changed in versions. Their keys have routes of their own. */
import { createRoute, z } from '@hono/zod-openapi';
import { proposeCreation, requestChange } from '#activities/games/commands/integration-proposals.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { credentialKindsOf, isWalletDialect } from '#domain/games/dialects.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { json } from '../payments/payment-schemas.ts';
import { pageOf, pageQuery } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { dialectDoors } from './dialect-doors.ts';
import { proposalOutput, toApiProposal } from './integration-proposal-schemas.ts';
import {
  change,
  creation,
  guardedAnswers,
  integrationParam,
  integrationSchema,
  versionAnswer,
  versionEntry,
} from './integration-schemas.ts';

export function mountIntegrations(api: Api, deps: ApiDeps): void {
  mountReads(api, deps);
  mountCreation(api, deps);
  mountChange(api, deps);
}

/** The integration's row where the operator may see its brand; otherwise it does not exist. */
export async function visibleIntegration(deps: ApiDeps, operator: OperatorIdentity, id: string) {
  const row = await deps.db
    .selectFrom('games.integration')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row || !maySee(operator, row.brand))
    throw new FailureError(fail('not-found', 'There is no such integration.').failure);
  return row;
}

type IntegrationRow = Awaited<ReturnType<typeof visibleIntegration>>;

function toApiIntegration(
  { api }: ApiDeps['config'],
  row: IntegrationRow,
): z.infer<typeof integrationSchema> {
  const { callerSecret: _, ...rest } = row;
  const dialect = isWalletDialect(row.dialect) ? row.dialect : null;
  return {
    ...rest,
    walletUrl: dialect ? `${api.publicUrl}/wallet/${dialectDoors[dialect].path}/${row.id}` : '',
    credentialKinds: dialect ? [...credentialKindsOf(dialect)] : [],
    createdAt: row.createdAt.toISOString(),
  };
}

function mountReads(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations',
      operationId: 'listIntegrations',
      tags: ['games'],
      summary: 'Provider connections by name',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:integration:read')] as const,
      request: { query: pageQuery },
      responses: {
        200: {
          description: 'Integrations',
          content: { 'application/json': { schema: pageOf(integrationSchema, 'IntegrationPage') } },
        },
        ...problemResponses('invalid-request', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { limit, after } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('games.integration')
        .selectAll()
        .$if(brands !== null, (q) => q.where('brand', 'in', [...(brands ?? [])]))
        .$if(after !== undefined, (q) => q.where('id', '>', after ?? ''))
        .orderBy('id')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => toApiIntegration(deps.config, row));
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}',
      operationId: 'readIntegration',
      tags: ['games'],
      summary: 'One provider connection',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:integration:read')] as const,
      request: { params: integrationParam },
      responses: {
        200: {
          description: 'The integration',
          content: { 'application/json': { schema: integrationSchema } },
        },
        ...problemResponses('invalid-request', 'not-found', ...guardedAnswers),
      },
    }),
    async (c) => {
      const row = await visibleIntegration(deps, c.get('operator'), c.req.valid('param').id);
      return c.json(toApiIntegration(deps.config, row), 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}/versions',
      operationId: 'listIntegrationVersions',
      tags: ['games'],
      summary: 'What an integration was, newest first; who changed it and why is in the audit trail',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:integration:read')] as const,
      request: {
        params: integrationParam,
        query: pageQuery.extend({
          after: z
            .string()
            .regex(/^\d{1,9}$/)
            .optional(),
        }),
      },
      responses: {
        200: {
          description: 'Versions',
          content: { 'application/json': { schema: pageOf(versionEntry, 'IntegrationVersionPage') } },
        },
        ...problemResponses('invalid-request', 'not-found', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { limit, after } = c.req.valid('query');
      await visibleIntegration(deps, c.get('operator'), id);
      const rows = await deps.db
        .selectFrom('games.integrationVersion')
        .select(['version', 'publishedAt', 'config'])
        .where('integration', '=', id)
        .$if(after !== undefined, (q) => q.where('version', '<', Number(after)))
        .orderBy('version', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => ({
        version: row.version,
        publishedAt: row.publishedAt.toISOString(),
        config: configOf(row.config),
      }));
      const last = items.at(-1);
      return c.json({ items, next: rows.length > limit && last ? String(last.version) : null }, 200);
    },
  );
}

function mountCreation(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/integrations',
      operationId: 'createIntegration',
      tags: ['games'],
      summary: 'Propose to connect a provider; the connection is there when another person agrees',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:integration:change')] as const,
      request: { body: { required: true, content: { 'application/json': { schema: creation } } } },
      responses: {
        202: json(proposalOutput, 'It waits for another person; the same once more answers with it'),
        ...problemResponses('invalid-request', 'unknown-brand', 'not-found', 'name-taken', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id, dialect, brand, reason, ...config } = c.req.valid('json');
      const operator = c.get('operator');
      requireBrand(operator, brand);
      requireSafeAddresses(deps, config);
      const { operatorId } = operator;
      const order = { id, dialect, brand, config: { ...config, ...emptied(config) }, operatorId, reason };
      return c.json(toApiProposal(await decided(deps.db, (trx) => proposeCreation(trx, order))), 202);
    },
  );
}

function mountChange(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'patch',
      path: '/admin/v1/integrations/{id}',
      operationId: 'changeIntegration',
      tags: ['games'],
      summary: 'Change a connection; what only closes is done at once, what opens waits for another person',
      description:
        'At once and by one person: `enabled` and `sharesPersonalData` off, `tokensRotate` on, networks taken out of the ' +
        'list, and what arranges daily work. With anything else the whole change waits. Doors and calls follow within seconds.',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:integration:change')] as const,
      request: {
        params: integrationParam,
        body: { required: true, content: { 'application/json': { schema: change } } },
      },
      responses: {
        200: {
          description: 'The version after it',
          content: { 'application/json': { schema: versionAnswer } },
        },
        202: json(proposalOutput, 'It opens something, so nothing has changed: it waits for another person'),
        ...problemResponses('invalid-request', 'not-found', 'version-outdated', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { version: seen, reason, ...changes } = c.req.valid('json');
      const operator = c.get('operator');
      await visibleIntegration(deps, operator, id);
      requireSafeAddresses(deps, changes);
      const order = {
        id,
        version: seen,
        changes: { ...changes, ...emptied(changes) },
        operatorId: operator.operatorId,
        reason,
      };
      const done = await decided(deps.db, (trx) => requestChange(trx, order));
      return 'proposal' in done
        ? c.json(toApiProposal(done.proposal), 202)
        : c.json({ id, version: done.version }, 200);
    },
  );
}

type Emptiable = {
  readonly subPartnerId?: string | undefined;
  readonly catalogueUrl?: string | undefined;
  readonly importEveryH?: number | undefined;
};

/** What is given as empty is none; what is not given stays away. */
const emptied = ({ subPartnerId, catalogueUrl, importEveryH }: Emptiable) => ({
  subPartnerId: subPartnerId === '' ? null : subPartnerId,
  catalogueUrl: catalogueUrl === '' ? null : catalogueUrl,
  importEveryH: importEveryH === 0 ? null : importEveryH,
});

/** Versions are written from rows, which are objects. */
const configOf = (config: unknown): Record<string, unknown> =>
  config !== null && typeof config === 'object' ? Object.fromEntries(Object.entries(config)) : {};

/** What we sign and whom we name travels in the clear over http, which is for development alone. */
function requireSafeAddresses(
  { config }: ApiDeps,
  { baseUrl, catalogueUrl }: { baseUrl?: string | undefined; catalogueUrl?: string | undefined },
): void {
  if (config.mode !== 'production') return;
  for (const [pointer, url] of [
    ['/baseUrl', baseUrl],
    ['/catalogueUrl', catalogueUrl],
  ] as const) {
    if (url && !url.startsWith('https://'))
      throw new FailureError(
        fail('invalid-request', 'Providers are called over https.', {
          fields: [{ pointer, detail: 'must start with https://' }],
        }).failure,
      );
  }
}
