/** The sportsbook for operators: bets with their journals, markets with their results, parked results, stake limits of players. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { resolveParkedResult } from '#activities/games/commands/resolve-parked-result.ts';
import { setStakeLimit } from '#activities/games/commands/set-stake-limit.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parkReasons } from '#domain/games/book/market-result.ts';
import { assetOf, parsePayable, toMoneyText } from '#domain/money.ts';
import { marketWorkflowId } from '#workflows/market.contract.ts';
import type { Api } from '../../app.ts';
import { brandScope, maySee, requireAllBrands, requireOperator } from '../../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../../context.ts';
import { actKeyOf, idempotencyHeader, idFromKey } from '../../idempotency.ts';
import { problemResponses } from '../../problem.ts';
import { idParam, moneyInput, moneyOutput, nullableMoneyOutput, pageOf, timestamp } from '../../schemas.ts';
import { decided } from '../../wallet/decided.ts';
import {
  betOutput,
  body,
  idPageQuery,
  json,
  marketParam,
  operatorBetOutput,
  toOperatorBet,
} from './book-schemas.ts';
import { readBets, readLegs } from './read-bets.ts';

const shared = { tags: ['games'], security: [{ operatorSession: [] as string[] }] };
const readFailures = ['invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'] as const;
const reason = z.string().min(10).max(500);

export function mountBackofficeBook(api: Api, deps: ApiDeps): void {
  mountBets(api, deps);
  mountMarket(api, deps);
  mountParkedResults(api, deps);
  mountStakeLimits(api, deps);
}

const betDetail = z
  .strictObject({
    bet: operatorBetOutput,
    journals: z.array(
      z
        .strictObject({
          journalId: z.uuid(),
          code: z.string(),
          externalId: z.string(),
          amount: moneyOutput,
          occurredAt: timestamp,
        })
        .openapi('BetJournal'),
    ),
  })
  .openapi('OperatorBetDetail');

function mountBets(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      ...shared,
      method: 'get',
      path: '/admin/v1/bets',
      operationId: 'listAllBets',
      summary: 'Sports bets, newest first',
      middleware: [requireOperator(deps, 'games:bet:read')] as const,
      request: {
        query: idPageQuery.extend({
          playerId: z.uuid().optional(),
          state: betOutput.shape.state.optional(),
        }),
      },
      responses: {
        200: json(pageOf(operatorBetOutput, 'OperatorBetPage'), 'A page of bets'),
        ...problemResponses(...readFailures),
      },
    }),
    async (c) => {
      const { limit, after, state, playerId } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await readBets(deps.db, { limit, after, state, playerId, brands });
      const page = rows.slice(0, limit);
      const legs = await readLegs(
        deps.db,
        page.map(({ id }) => id),
      );
      const items = page.map((row) => toOperatorBet(row, legs.get(row.id) ?? []));
      return c.json({ items, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null }, 200);
    },
  );

  api.openapi(
    createRoute({
      ...shared,
      method: 'get',
      path: '/admin/v1/bets/{id}',
      operationId: 'readAnyBet',
      summary: 'A sports bet with every journal of it',
      middleware: [requireOperator(deps, 'games:bet:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(betDetail, 'The bet'),
        ...problemResponses(...readFailures, 'not-found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const row = await deps.db.selectFrom('games.bet').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row || !maySee(c.get('operator'), row.brand))
        throw new FailureError(fail('not-found', 'There is no such bet.').failure);
      const journals = await deps.db
        .selectFrom('wallet.journal')
        .select(['id', 'code', 'externalId', 'amount', 'asset', 'occurredAt'])
        .where('subject', '=', `bet:${id}`)
        .orderBy('id')
        .limit(200)
        .execute();
      const legs = await readLegs(deps.db, [id]);
      return c.json(
        {
          bet: toOperatorBet(row, legs.get(id) ?? []),
          journals: journals.map((journal) => ({
            journalId: journal.id,
            code: journal.code,
            externalId: journal.externalId,
            amount: toMoneyText(BigInt(journal.amount), journal.asset),
            occurredAt: journal.occurredAt.toISOString(),
          })),
        },
        200,
      );
    },
  );
}

const operatorMarket = z
  .strictObject({
    eventId: z.string(),
    marketId: z.string(),
    event: z.string(),
    name: z.string(),
    state: z.enum(['open', 'suspended', 'closed', 'resulted']),
    bets: z
      .array(
        z
          .strictObject({
            asset: z.string(),
            state: z.enum(['open', 'settled', 'cashed-out']),
            count: z.int(),
            stake: moneyOutput,
            payout: moneyOutput,
          })
          .openapi('MarketBets'),
      )
      .openapi({ description: 'Bets with a leg on the market, of the brands in scope, by state and asset.' }),
    results: z.array(
      z
        .strictObject({
          version: z.int(),
          kind: z.enum(['result', 'abandoned']),
          outcomes: z.record(z.string(), z.looseObject({ result: z.string() })),
          receivedAt: timestamp,
          settledAt: timestamp.nullable(),
          betsSettled: z.int().nullable().openapi({ description: 'Single bets that this version moved.' }),
          workflowId: z.string(),
        })
        .openapi('MarketResult'),
    ),
  })
  .openapi('OperatorMarket');

function mountMarket(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      ...shared,
      method: 'get',
      path: '/admin/v1/markets/{eventId}/{marketId}',
      operationId: 'readMarketSettlement',
      summary: 'A market: its results by version, how far each is carried out, and the bets on it',
      middleware: [requireOperator(deps, 'games:bet:read')] as const,
      request: { params: marketParam },
      responses: {
        200: json(operatorMarket, 'The market'),
        ...problemResponses(...readFailures, 'not-found'),
      },
    }),
    async (c) => {
      const { eventId, marketId } = c.req.valid('param');
      const market = await deps.db
        .selectFrom('games.market as m')
        .innerJoin('games.sportEvent as e', 'e.id', 'm.eventId')
        .select(['m.name', 'm.state', 'e.name as event'])
        .where('m.eventId', '=', eventId)
        .where('m.id', '=', marketId)
        .executeTakeFirst();
      if (!market) throw new FailureError(fail('not-found', 'There is no such market.').failure);
      const results = await deps.db
        .selectFrom('games.marketResult')
        .selectAll()
        .where('eventId', '=', eventId)
        .where('marketId', '=', marketId)
        .orderBy('version', 'desc')
        .limit(50)
        .execute();
      const bets = await countBets(deps, eventId, marketId, brandScope(c.get('operator')));
      const answer: z.infer<typeof operatorMarket> = {
        eventId,
        marketId,
        event: market.event,
        name: market.name,
        state: market.state as 'open' | 'suspended' | 'closed' | 'resulted',
        bets,
        results: results.map(({ version, kind, outcomes, receivedAt, settledAt, betsSettled }) => ({
          version,
          kind: kind as 'result' | 'abandoned',
          outcomes: outcomes as Record<string, { result: string }>,
          receivedAt: receivedAt.toISOString(),
          settledAt: settledAt?.toISOString() ?? null,
          betsSettled,
          workflowId: marketWorkflowId({ eventId, marketId, version }),
        })),
      };
      return c.json(answer, 200);
    },
  );
}

async function countBets(
  { db }: Pick<ApiDeps, 'db'>,
  eventId: string,
  marketId: string,
  brands: readonly string[] | null,
): Promise<z.infer<typeof operatorMarket>['bets']> {
  const { rows } = await sql<{ asset: string; state: string; count: bigint; stake: string; payout: string }>`
    select b.asset, b.state, count(*) as count, sum(b.stake)::text as stake, sum(b.payout)::text as payout
    from games.bet_leg l join games.bet b on b.id = l.bet_id
    where l.event_id = ${eventId} and l.market_id = ${marketId}
      and (${brands === null} or b.brand = any(${[...(brands ?? [])]}::text[]))
    group by b.asset, b.state order by b.asset, b.state
  `.execute(db);
  return rows.map(({ asset, state, count, stake, payout }) => ({
    asset,
    state: state as 'open' | 'settled' | 'cashed-out',
    count: Number(count),
    stake: toMoneyText(BigInt(stake), asset),
    payout: toMoneyText(BigInt(payout), asset),
  }));
}

const parkedOutput = z
  .strictObject({
    parkedId: z.uuid(),
    eventId: z.string(),
    marketId: z.string(),
    sequence: z.string(),
    reason: z.enum(parkReasons),
    message: z.looseObject({ type: z.string() }).openapi({ description: 'As the feed sent it.' }),
    openedAt: timestamp,
  })
  .openapi('ParkedResult');

function mountParkedResults(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      ...shared,
      method: 'get',
      path: '/admin/v1/parked-results',
      operationId: 'listParkedResults',
      summary: 'Results of the feed that wait for a person, oldest first',
      middleware: [requireOperator(deps, 'games:bet:read')] as const,
      request: { query: idPageQuery },
      responses: {
        200: json(pageOf(parkedOutput, 'ParkedResultPage'), 'A page of parked results'),
        ...problemResponses(...readFailures),
      },
    }),
    async (c) => {
      const { limit, after } = c.req.valid('query');
      const rows = await deps.db
        .selectFrom('games.parkedResult')
        .selectAll()
        .where('closedAt', 'is', null)
        .$if(after !== undefined, (query) =>
          query.where((where) =>
            where(
              where.refTuple('openedAt', 'id'),
              '>',
              where
                .selectFrom('games.parkedResult as last')
                .select(['last.openedAt', 'last.id'])
                .where('last.id', '=', after ?? '')
                .$asTuple('openedAt', 'id'),
            ),
          ),
        )
        .orderBy('openedAt')
        .orderBy('id')
        .limit(limit + 1)
        .execute();
      const page = rows.slice(0, limit).map((row) => ({
        parkedId: row.id,
        eventId: row.eventId,
        marketId: row.marketId,
        sequence: row.sequence.toString(),
        reason: row.reason as (typeof parkReasons)[number],
        message: row.message as { type: string },
        openedAt: row.openedAt.toISOString(),
      }));
      return c.json({ items: page, next: rows.length > limit ? (page.at(-1)?.parkedId ?? null) : null }, 200);
    },
  );

  const resolutionInput = z
    .strictObject({ resolution: z.enum(['apply', 'dismiss']), reason })
    .openapi('ParkedResultResolution');

  api.openapi(
    createRoute({
      ...shared,
      method: 'post',
      path: '/admin/v1/parked-results/{id}/resolutions',
      operationId: 'resolveParkedResult',
      summary: 'Apply a parked result after all, also against a later one, or dismiss it',
      middleware: [requireOperator(deps, 'games:result:resolve')] as const,
      request: { params: idParam, headers: idempotencyHeader, body: body(resolutionInput) },
      responses: {
        200: json(
          z.strictObject({ parkedId: z.uuid() }).openapi('ResolvedResult'),
          'Decided; a repeat with the same key changes nothing',
        ),
        ...problemResponses(
          ...readFailures,
          'not-found',
          'already-decided',
          'result-not-applicable',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const { id: parkedId } = c.req.valid('param');
      const operator = c.get('operator');
      // A market is settled for every brand that took bets on it.
      requireAllBrands(operator);
      const { operatorId } = operator;
      const said = { parkedId, ...c.req.valid('json') };
      const key = actKeyOf('parked-result', operatorId, c.req.valid('header')['idempotency-key'], said);
      await decided(deps.db, (trx) => resolveParkedResult(trx, { ...said, operatorId, key }));
      return c.json({ parkedId }, 200);
    },
  );
}

const stakeLimitOutput = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          asset: z.string(),
          stakeMax: nullableMoneyOutput,
          setBy: z.uuid(),
          reason: z.string(),
          setAt: timestamp,
        })
        .openapi('StakeLimit'),
    ),
  })
  .openapi('StakeLimits');

function mountStakeLimits(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      ...shared,
      method: 'get',
      path: '/admin/v1/players/{id}/stake-limits',
      operationId: 'readStakeLimits',
      summary:
        'Settings of the largest sports stake that is taken of a player, newest first; the first per asset holds',
      middleware: [requireOperator(deps, 'games:bet:read')] as const,
      request: { params: idParam },
      responses: {
        200: json(stakeLimitOutput, 'The settings'),
        ...problemResponses(...readFailures, 'not-found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await requirePlayerInScope(deps, c.get('operator'), id);
      return c.json({ items: await readStakeLimits(deps, id) }, 200);
    },
  );

  const stakeLimitInput = z
    .strictObject({
      asset: z
        .string()
        .regex(/^[A-Z]{3,10}$/)
        .openapi({ example: 'EUR' }),
      stakeMax: moneyInput.optional().openapi({ description: 'Without it the limit is taken away.' }),
      reason,
    })
    .openapi('StakeLimitSetting');

  api.openapi(
    createRoute({
      ...shared,
      method: 'post',
      path: '/admin/v1/players/{id}/stake-limits',
      operationId: 'setStakeLimit',
      summary: 'Set the largest sports stake that is taken of a player, or take the limit away',
      middleware: [requireOperator(deps, 'games:stake-limit:set')] as const,
      request: { params: idParam, headers: idempotencyHeader, body: body(stakeLimitInput) },
      responses: {
        200: json(stakeLimitOutput, 'All settings'),
        ...problemResponses(
          ...readFailures,
          'not-found',
          'amount-not-positive',
          'amount-too-precise',
          'amount-too-large',
          'unknown-asset',
          'idempotency-key-reused',
        ),
      },
    }),
    async (c) => {
      const { id: playerId } = c.req.valid('param');
      const operator = c.get('operator');
      const { asset, stakeMax, reason: why } = c.req.valid('json');
      const brand = await requirePlayerInScope(deps, operator, playerId);
      orThrow(assetOf(asset));
      if (stakeMax !== undefined && stakeMax.asset !== asset)
        throw new FailureError(fail('invalid-request', 'The limit is in another asset.').failure);
      orThrow(
        await setStakeLimit(deps.db, {
          id: idFromKey('stake-limit', operator.operatorId, c.req.valid('header')['idempotency-key']),
          playerId,
          brand,
          asset,
          stakeMax: stakeMax === undefined ? null : orThrow(parsePayable(stakeMax)),
          operatorId: operator.operatorId,
          reason: why,
        }),
      );
      return c.json({ items: await readStakeLimits(deps, playerId) }, 200);
    },
  );
}

async function readStakeLimits(
  { db }: Pick<ApiDeps, 'db'>,
  playerId: string,
): Promise<z.infer<typeof stakeLimitOutput>['items']> {
  const rows = await db
    .selectFrom('games.bookPlayerLimit')
    .selectAll()
    .where('playerId', '=', playerId)
    .orderBy('setAt', 'desc')
    .limit(200)
    .execute();
  return rows.map((row) => ({
    asset: row.asset,
    stakeMax: row.stakeMax === null ? null : toMoneyText(BigInt(row.stakeMax), row.asset),
    setBy: row.setBy,
    reason: row.reason,
    setAt: row.setAt.toISOString(),
  }));
}

async function requirePlayerInScope(
  deps: ApiDeps,
  operator: OperatorIdentity,
  playerId: string,
): Promise<string> {
  const player = await deps.db
    .selectFrom('pam.player')
    .select('brand')
    .where('id', '=', playerId)
    .executeTakeFirst();
  if (!player || !maySee(operator, player.brand))
    throw new FailureError(fail('not-found', 'There is no such player.').failure);
  return player.brand;
}
