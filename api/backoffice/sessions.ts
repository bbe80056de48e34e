/** Staff sign in and out, see what they may do, and see who else is staff. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { endOperatorSession, rolesOfOperator } from '#activities/backoffice/commands/sessions.ts';
import { signInOperator } from '#activities/backoffice/commands/sign-in.ts';
import { hashOperatorToken } from '#activities/tokens.ts';
import { everyBrand, permissions, permissionsOf } from '#domain/backoffice/roles.ts';
import { orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { brandScope, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { bearerToken } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { originOf } from '../request-origin.ts';
import { pageOf, pageQuery, timestamp } from '../schemas.ts';

const signInInput = z
  .strictObject({ email: z.email().max(254), password: z.string().min(1).max(256) })
  .openapi('OperatorSignIn');
const opened = z
  .strictObject({ token: z.string(), operatorId: z.uuid(), expiresAt: timestamp })
  .openapi('OpenedOperatorSession');
const me = z
  .strictObject({
    id: z.uuid(),
    email: z.string(),
    name: z.string(),
    roles: z.array(z.string()),
    permissions: z.array(z.enum(permissions)),
    brands: z.array(z.string()),
  })
  .openapi('OperatorSelf');
const operator = z
  .strictObject({
    id: z.uuid(),
    email: z.string(),
    name: z.string(),
    status: z.string(),
    roles: z.array(z.string()),
    brands: z.array(z.string()),
  })
  .openapi('Operator');

const guarded = ['not-authenticated', 'session-expired', 'forbidden', 'dependency-unavailable'] as const;

export function mountOperatorSessions(api: Api, deps: ApiDeps): void {
  mountSignIn(api, deps);
  mountSelf(api, deps);
  mountOperators(api, deps);
}

function mountSignIn(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/sessions',
      operationId: 'openOperatorSession',
      tags: ['backoffice'],
      summary: 'Sign in as staff',
      request: { body: { required: true, content: { 'application/json': { schema: signInInput } } } },
      responses: {
        201: { description: 'Signed in', content: { 'application/json': { schema: opened } } },
        ...problemResponses(
          'invalid-request',
          'malformed-json',
          'unsupported-media-type',
          'invalid-credentials',
          'too-many-requests',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const session = orThrow(await signInOperator(deps.db, { ...c.req.valid('json'), ...originOf(c) }));
      c.header('Cache-Control', 'no-store');
      return c.json({ ...session, expiresAt: session.expiresAt.toISOString() }, 201);
    },
  );
  api.openapi(
    createRoute({
      method: 'delete',
      path: '/admin/v1/sessions/current',
      operationId: 'closeOperatorSession',
      tags: ['backoffice'],
      summary: 'Sign out',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps)] as const,
      responses: { 204: { description: 'Signed out' }, ...problemResponses(...guarded) },
    }),
    async (c) => {
      await endOperatorSession(deps.db, hashOperatorToken(bearerToken(c) ?? ''));
      return c.body(null, 204);
    },
  );
}

function mountSelf(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/me',
      operationId: 'getOperatorSelf',
      tags: ['backoffice'],
      summary: 'Who is signed in, and what the roles permit',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps)] as const,
      responses: {
        200: { description: 'The operator', content: { 'application/json': { schema: me } } },
        ...problemResponses(...guarded),
      },
    }),
    async (c) => {
      const { operatorId, roles, brands } = c.get('operator');
      const row = await deps.db
        .selectFrom('backoffice.operator')
        .select(['id', 'email', 'name'])
        .where('id', '=', operatorId)
        .executeTakeFirstOrThrow();
      return c.json(
        { ...row, roles: [...roles], permissions: [...permissionsOf(roles)], brands: [...brands] },
        200,
      );
    },
  );
}

function mountOperators(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/operators',
      operationId: 'listOperators',
      tags: ['backoffice'],
      summary: 'Staff, by address',
      description:
        'Whoever is limited to brands sees the people who work on one of them, and of their brands only his own.',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'backoffice:operator:read')] as const,
      request: { query: pageQuery.extend({ after: z.email().max(254).optional() }) },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(operator, 'OperatorPage') } },
        },
        ...problemResponses('invalid-request', ...guarded),
      },
    }),
    async (c) => {
      const { limit, after } = c.req.valid('query');
      const scope = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('backoffice.operator as o')
        .select(['o.id', 'o.email', 'o.name', 'o.status', 'o.brands', rolesOfOperator.as('roles')])
        .$if(scope !== null, (query) =>
          query.where(sql<boolean>`o.brands && ${[everyBrand, ...(scope ?? [])]}::text[]`),
        )
        .$if(after !== undefined, (query) => query.where('o.email', '>', after ?? ''))
        .orderBy('o.email')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => ({
        ...row,
        brands: row.brands.filter((brand) => scope === null || brand === everyBrand || scope.includes(brand)),
      }));
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.email ?? null) : null }, 200);
    },
  );
}
