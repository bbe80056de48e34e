/** The tier of a player in the back office: set with a reason, with all versions shown. */
import { createRoute, z } from '@hono/zod-openapi';
import { setPlayerTier, type PlayerTierRow } from '#activities/crm/commands/player-tiers.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { mustSeePlayer } from '../must-see-player.ts';
import { body, json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { idParam, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';

const tier = z.union([z.string().regex(/^[a-z][a-z0-9-]{0,29}$/), z.null()]);

const tierInput = z
  .strictObject({
    tier: tier.openapi({ example: 'gold', description: 'Null takes the tier away.' }),
    after: z.int().min(0).openapi({ description: 'The version that is there now, 0 for none.' }),
    reason: z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' }),
  })
  .openapi('PlayerTierInput');

const tierOutput = z
  .strictObject({ version: z.int(), tier, author: z.string(), reason: z.string(), setAt: timestamp })
  .openapi('PlayerTier');

const toApiTier = (row: PlayerTierRow): z.infer<typeof tierOutput> => ({
  version: row.version,
  tier: row.tier,
  author: row.author,
  reason: row.reason,
  setAt: row.setAt.toISOString(),
});

const path = '/admin/v1/players/{id}/tiers';
const security = [{ operatorSession: [] }];
const reads = ['invalid-request', 'not-authenticated', 'forbidden', 'not-found'] as const;

export function mountPlayerTiers(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path,
      operationId: 'listPlayerTiers',
      tags: ['crm'],
      summary: 'The tiers of a player, newest first; the first is the one that holds',
      security,
      middleware: [requireOperator(deps, 'pam:player:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(z.strictObject({ items: z.array(tierOutput) }), 'At most 100'),
        ...problemResponses(...reads),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await mustSeePlayer(deps.db, c.get('operator'), id);
      const rows = await deps.db
        .selectFrom('crm.playerTier')
        .selectAll()
        .where('playerId', '=', id)
        .orderBy('version', 'desc')
        .limit(100)
        .execute();
      return c.json({ items: rows.map(toApiTier) }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path,
      operationId: 'setPlayerTier',
      tags: ['crm'],
      summary: 'Set the tier of a player; of two who set it at once, one is told',
      security,
      middleware: [requireOperator(deps, 'crm:tier:set')] as const,
      request: { params: idParam, body: body(tierInput) },
      responses: {
        200: json(tierOutput, 'The version'),
        ...problemResponses(...reads, 'malformed-json', 'version-outdated', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const operator = c.get('operator');
      await mustSeePlayer(deps.db, operator, id);
      const order = { ...c.req.valid('json'), playerId: id, operatorId: operator.operatorId };
      return c.json(toApiTier(await decided(deps.db, (trx) => setPlayerTier(trx, order))), 200);
    },
  );
}
