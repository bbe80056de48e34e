/** The rules of jurisdictions, as every decision is made by them. */
import { createRoute, z } from '@hono/zod-openapi';
import { listCurrentProfiles, profileVersion } from '#activities/compliance/profiles.ts';
import { profileSchema } from '#domain/compliance/profile.schema.ts';
import { orThrow } from '#domain/failures.ts';
import type { Api } from './app.ts';
import { requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { problemResponses } from './problem.ts';

const profileOutput = z
  .strictObject({
    jurisdiction: z.string().openapi({ example: 'MT' }),
    version: z.int(),
    profile: z.strictObject(profileSchema.shape),
  })
  .openapi('JurisdictionProfile');

export function mountCompliance(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/jurisdictions',
      operationId: 'listJurisdictions',
      tags: ['compliance'],
      summary: 'The profile in force of every jurisdiction',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps)] as const,
      responses: {
        200: {
          description: 'By jurisdiction',
          content: {
            'application/json': {
              schema: z.strictObject({ items: z.array(profileOutput) }).openapi('JurisdictionProfiles'),
            },
          },
        },
        ...problemResponses('not-authenticated'),
      },
    }),
    async (c) => c.json({ items: await listCurrentProfiles(deps.db) }, 200),
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/jurisdictions/{jurisdiction}/versions/{version}',
      operationId: 'readJurisdictionVersion',
      tags: ['compliance'],
      summary: 'The profile that a decision was made by',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps)] as const,
      request: {
        params: z.object({
          jurisdiction: z.string().regex(/^[A-Z]{2}$/),
          version: z.coerce.number().int().min(1).max(1_000_000),
        }),
      },
      responses: {
        200: { description: 'The profile', content: { 'application/json': { schema: profileOutput } } },
        ...problemResponses('invalid-request', 'not-authenticated', 'unknown-jurisdiction'),
      },
    }),
    async (c) => {
      const { jurisdiction, version } = c.req.valid('param');
      return c.json(orThrow(await profileVersion(deps.db, jurisdiction, version)), 200);
    },
  );
}
