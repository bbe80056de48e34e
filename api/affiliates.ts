/** Referrals, as staff see them. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import type { Api } from './app.ts';
import { brandScope, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { problemResponses } from './problem.ts';
import { pageOf, pageQuery, timestamp } from './schemas.ts';

const referral = z
  .strictObject({
    playerId: z.uuid(),
    affiliateId: z.uuid(),
    affiliateCode: z.string(),
    brand: z.string(),
    referredAt: timestamp,
  })
  .openapi('Referral');

const query = pageQuery.extend({ affiliateId: z.uuid().optional(), after: z.uuid().optional() });

export function mountAffiliates(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/affiliates/referrals',
      operationId: 'listReferrals',
      tags: ['affiliates'],
      summary: 'Referrals, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'affiliates:referral:read')] as const,
      request: { query },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(referral, 'ReferralPage') } },
        },
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'session-expired',
          'forbidden',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { limit, after, affiliateId } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
        .selectFrom('affiliates.referral as r')
        .innerJoin('affiliates.affiliate as a', 'a.id', 'r.affiliateId')
        .select(['r.playerId', 'r.affiliateId', 'a.code as affiliateCode', 'r.brand', 'r.referredAt'])
        .$if(brands !== null, (q) => q.where('r.brand', 'in', brands?.length ? [...brands] : ['']))
        .$if(affiliateId !== undefined, (q) => q.where('r.affiliateId', '=', affiliateId ?? ''))
        .$if(after !== undefined, (q) =>
          q.where(
            sql<boolean>`(r.referred_at, r.player_id) <
              (select x.referred_at, x.player_id from affiliates.referral x where x.player_id = ${after})`,
          ),
        )
        .orderBy('r.referredAt', 'desc')
        .orderBy('r.playerId', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map((row) => ({ ...row, referredAt: row.referredAt.toISOString() }));
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.playerId ?? null) : null }, 200);
    },
  );
}
