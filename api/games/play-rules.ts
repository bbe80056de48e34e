/** The back office's side of stakes: caps of games and players, jackpot pools of games, what the pools hold. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { setPlayerStakeCap, setPlayRules } from '#activities/games/commands/play-rules.ts';
import { readJackpotPools } from '#activities/wallet/jackpot-pools.ts';
import { isOfParty } from '#activities/wallet/party-entries.ts';
import { fundJackpotPool } from '#activities/wallet/post-house.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import type { Api } from '../app.ts';
import { maySee, requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { moneyInput, moneyOutput, pageOf } from '../schemas.ts';

const reason = z.string().min(10).max(500);
const pool = z.string().regex(/^[a-z0-9-]{1,40}$/);
const amountFailures = [
  'unknown-asset',
  'amount-not-positive',
  'amount-too-precise',
  'amount-too-large',
] as const;

export function mountPlayRules(api: Api, deps: ApiDeps): void {
  mountGameRules(api, deps);
  mountPlayerCap(api, deps);
  mountPools(api, deps);
  mountFunds(api, deps);
}

function mountGameRules(api: Api, deps: ApiDeps): void {
  const cap = z.strictObject({
    money: moneyInput,
    jurisdiction: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .optional()
      .openapi({ description: 'Players of this jurisdiction; everybody without it. The lowest cap holds.' }),
  });
  const input = z
    .strictObject({
      stakeCaps: z
        .array(cap)
        .max(200)
        .refine(
          (caps) => new Set(caps.map((one) => `${one.money.asset} ${one.jurisdiction}`)).size === caps.length,
          'one cap per asset and jurisdiction',
        ),
      jackpot: z
        .strictObject({ pool, contributionBps: z.int().min(1).max(2_000) })
        .optional()
        .openapi({ description: 'The pool of ours that real-money stakes feed; none without it.' }),
      reason,
    })
    .openapi('PlayRules');
  api.openapi(
    createRoute({
      method: 'put',
      path: '/admin/v1/games/{integration}/{game}/play-rules',
      operationId: 'setPlayRules',
      tags: ['games'],
      summary: 'Replace the stake caps and the jackpot of a game',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:play-rules:set')] as const,
      request: {
        params: z.object({ integration: z.string().min(1).max(40), game: z.string().min(1).max(255) }),
        body: { required: true, content: { 'application/json': { schema: input } } },
      },
      responses: {
        204: { description: 'In force within seconds' },
        ...problemResponses(
          'invalid-request',
          ...amountFailures,
          'not-authenticated',
          'forbidden',
          'not-found',
          'unknown-game',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { integration, game } = c.req.valid('param');
      const body = c.req.valid('json');
      const row = await deps.db
        .selectFrom('games.integration')
        .select('brand')
        .where('id', '=', integration)
        .executeTakeFirst();
      if (!row || !maySee(c.get('operator'), row.brand))
        throw new FailureError(fail('not-found', 'There is no such integration.').failure);
      orThrow(
        await setPlayRules(deps.db, {
          integration,
          game,
          brand: row.brand,
          jackpot: body.jackpot ?? null,
          stakeCaps: body.stakeCaps.map(({ money, jurisdiction }) => ({
            asset: money.asset,
            amount: orThrow(parsePayable(money)),
            jurisdiction: jurisdiction ?? null,
          })),
          operatorId: c.get('operator').operatorId,
          reason: body.reason,
        }),
      );
      return c.body(null, 204);
    },
  );
}

function mountPlayerCap(api: Api, deps: ApiDeps): void {
  const input = z
    .strictObject({
      asset: z
        .string()
        .regex(/^[A-Z]{3,10}$/)
        .openapi({ example: 'EUR' }),
      amount: z
        .string()
        .regex(/^\d{1,15}(\.\d{1,18})?$/)
        .optional()
        .openapi({ example: '5.00', description: 'Largest single stake; without it the cap is lifted.' }),
      reason,
    })
    .openapi('PlayerStakeCap');
  api.openapi(
    createRoute({
      method: 'put',
      path: '/admin/v1/players/{id}/stake-cap',
      operationId: 'setPlayerStakeCap',
      tags: ['games'],
      summary:
        'Set or lift the largest single stake of a player; no larger one is admitted from the answer on',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:play-rules:set')] as const,
      request: {
        params: z.object({ id: z.uuid() }),
        body: { required: true, content: { 'application/json': { schema: input } } },
      },
      responses: {
        204: { description: 'In force' },
        ...problemResponses(
          'invalid-request',
          ...amountFailures,
          'not-authenticated',
          'forbidden',
          'not-found',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { id: playerId } = c.req.valid('param');
      const { asset, amount, reason: why } = c.req.valid('json');
      const units = amount === undefined ? null : orThrow(parsePayable({ amount, asset }));
      const wallet = await deps.db
        .selectFrom('wallet.playerWallet')
        .select('brand')
        .where('playerId', '=', playerId)
        .where('asset', '=', asset)
        .executeTakeFirst();
      if (!wallet || !maySee(c.get('operator'), wallet.brand))
        throw new FailureError(fail('not-found', 'There is no such player with this asset.').failure);
      const { operatorId } = c.get('operator');
      await setPlayerStakeCap(deps.db, {
        playerId,
        brand: wallet.brand,
        asset,
        amount: units,
        operatorId,
        reason: why,
      });
      return c.body(null, 204);
    },
  );
}

function mountPools(api: Api, deps: ApiDeps): void {
  const held = z.strictObject({ pool, balance: moneyOutput, entries: z.int() }).openapi('JackpotPool', {
    description: 'Below zero, a win took more than there was: the house has to fund it.',
  });
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/jackpots',
      operationId: 'listJackpots',
      tags: ['wallet'],
      summary: 'What each jackpot pool of ours holds, per asset',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      responses: {
        200: {
          description: 'Sums of the ledger’s entries',
          content: { 'application/json': { schema: pageOf(held, 'JackpotPoolPage') } },
        },
        ...problemResponses('not-authenticated', 'forbidden', 'dependency-unavailable'),
      },
    }),
    async (c) => {
      const pools = await readJackpotPools(deps.db);
      const items = pools.map((one) => ({
        pool: one.pool,
        balance: toMoneyText(one.balance, one.asset),
        entries: one.entries,
      }));
      return c.json({ items, next: null }, 200);
    },
  );
}

function mountFunds(api: Api, deps: ApiDeps): void {
  const input = z
    .strictObject({ brand: z.string().min(1).max(40), money: moneyInput, reason })
    .openapi('JackpotFunds');
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/jackpots/{pool}/funds',
      operationId: 'fundJackpot',
      tags: ['wallet'],
      summary: 'Put money of the house into a pool: its seed, or what a win has overdrawn',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:jackpot:fund')] as const,
      request: {
        params: z.object({ pool: z.string().min(1).max(40) }),
        headers: idempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: input } } },
      },
      responses: {
        201: {
          description: 'Posted, or posted before with this key',
          content: {
            'application/json': { schema: z.strictObject({ journalId: z.uuid() }).openapi('FundedJackpot') },
          },
        },
        ...problemResponses(
          'invalid-request',
          ...amountFailures,
          'not-authenticated',
          'forbidden',
          'not-found',
          'idempotency-key-reused',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { pool: name } = c.req.valid('param');
      const body = c.req.valid('json');
      const amount = orThrow(parsePayable(body.money));
      const operator = c.get('operator');
      requireBrand(operator, body.brand);
      if (!(await hasFed(deps.db, body.brand, name)))
        throw new FailureError(fail('not-found', 'No game of this brand feeds such a pool.').failure);
      const { 'idempotency-key': key } = c.req.valid('header');
      const funded = await deps.db.transaction().execute((trx) =>
        fundJackpotPool(trx, {
          key: `jackpot:${name}:fund:${idFromKey('jackpot-fund', operator.operatorId, key)}`,
          brand: body.brand,
          pool: name,
          asset: body.money.asset,
          amount,
          fingerprint: requestFingerprint({ pool: name, ...body }),
          actor: { kind: 'operator', id: operator.operatorId },
          reason: body.reason,
        }),
      );
      return c.json({ journalId: orThrow(funded).journalId }, 201);
    },
  );
}

/** Also of a pool that no game feeds any more: a win may have overdrawn it. */
async function hasFed(db: Database, brand: string, pool: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from games.game g join games.integration i on i.id = g.integration
    where g.jackpot_pool = ${pool} and i.brand = ${brand}
    union all
    (select 1 from wallet.entry e join wallet.journal j on j.id = e.journal_id
    where ${isOfParty} and e.account = ${`jackpot:${pool}`} and j.brand = ${brand} limit 1)
    limit 1`.execute(db);
  return rows.length > 0;
}
