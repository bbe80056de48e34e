/** The public face of a brand: what it offers and the terms in force. */
import { createRoute, z } from '@hono/zod-openapi';
import { fail, FailureError } from '#domain/failures.ts';
import { brandConfigSchema } from '#domain/pam/brand.schema.ts';
import type { Api } from './app.ts';
import type { ApiDeps } from './context.ts';
import { brandId } from './pam/schemas.ts';
import { problemResponses } from './problem.ts';
import { timestamp } from './schemas.ts';

const brand = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    version: z.int(),
    currencies: z.array(z.string()),
    jurisdictions: z.array(z.string()),
    languages: z.array(z.string()),
    demoPlay: z.enum(['off', 'signed-in', 'anyone']).optional(),
    terms: z
      .strictObject({ version: z.int(), title: z.string(), body: z.string(), publishedAt: timestamp })
      .nullable(),
  })
  .openapi('Brand');

export function mountCms(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/brands/{brand}',
      operationId: 'getBrand',
      tags: ['cms'],
      summary: 'A brand and its current terms',
      request: { params: z.object({ brand: brandId.openapi({ param: { name: 'brand', in: 'path' } }) }) },
      responses: {
        200: { description: 'The brand', content: { 'application/json': { schema: brand } } },
        ...problemResponses('invalid-request', 'unknown-brand', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { brand: id } = c.req.valid('param');
      const found = await deps.db
        .selectFrom('pam.brand as b')
        .innerJoin('pam.brandConfig as c', 'c.brand', 'b.id')
        .select(['b.id', 'b.name', 'c.version', 'c.config'])
        .where('b.id', '=', id)
        .orderBy('c.version', 'desc')
        .limit(1)
        .executeTakeFirst();
      if (!found) throw new FailureError(fail('unknown-brand', 'There is no such brand.').failure);
      const { config, ...brandInForce } = found;
      return c.json(
        { ...brandInForce, ...brandConfigSchema.parse(config), terms: await readTerms(deps, id) },
        200,
      );
    },
  );
}

async function readTerms(deps: ApiDeps, brandInQuestion: string) {
  const terms = await deps.db
    .selectFrom('cms.terms')
    .select(['version', 'title', 'body', 'publishedAt'])
    .where('brand', '=', brandInQuestion)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return terms ? { ...terms, publishedAt: terms.publishedAt.toISOString() } : null;
}
