/** The player's bets: placed at the odds that were seen, listed, and bought back at an offer. */
import { createRoute, z } from '@hono/zod-openapi';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { offerCashOut } from '#activities/games/commands/offer-cash-out.ts';
import { placeBet } from '#activities/games/commands/place-bet.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parseOdds } from '#domain/games/book/odds.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import { betStart, cashOut } from '#workflows/bet.contract.ts';
import type { bet } from '#workflows/bet.ts';
import type { Api } from '../../app.ts';
import type { ApiDeps } from '../../context.ts';
import { actKeyOf, bindKey, idempotencyHeader, idFromKey, requestFingerprint } from '../../idempotency.ts';
import { requirePlayer } from '../../pam-guard.ts';
import { problemResponses } from '../../problem.ts';
import { idParam, moneyOutput, pageOf, timestamp } from '../../schemas.ts';
import { unlessOver } from '../../workflow-failures.ts';
import { betInput, betOutput, body, idPageQuery, json, toApiBet, type BetRow } from './book-schemas.ts';
import { readBets, readLegs } from './read-bets.ts';

const route = (deps: ApiDeps) => ({
  tags: ['games'],
  security: [{ playerSession: [] as string[] }],
  middleware: requirePlayer(deps),
});

const placeRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/bets',
    operationId: 'placeBet',
    summary: 'Place a sports bet: the stake is taken at once, from withdrawable money',
    ...route(deps),
    request: { headers: idempotencyHeader, body: body(betInput) },
    responses: {
      200: json(betOutput, 'The bet; a repeat with the same key answers with the same one as it is now'),
      ...problemResponses(
        'invalid-request',
        'not-authenticated',
        'amount-not-positive',
        'amount-too-precise',
        'amount-too-large',
        'unknown-asset',
        'unsupported-asset',
        'unknown-selection',
        'related-legs',
        'market-closed',
        'market-suspended',
        'odds-changed',
        'stake-out-of-range',
        'player-stake-limit',
        'stake-too-large',
        'payout-too-large',
        'insufficient-funds',
        'play-limit-exceeded',
        'player-blocked',
        'self-excluded',
        'email-not-verified',
        'wallet-not-found',
        'idempotency-key-reused',
        'dependency-unavailable',
      ),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/bets',
    operationId: 'listBets',
    summary: "The player's sports bets, newest first",
    ...route(deps),
    request: { query: idPageQuery.extend({ state: betOutput.shape.state.optional() }) },
    responses: {
      200: json(pageOf(betOutput, 'BetPage'), 'A page of bets'),
      ...problemResponses('invalid-request', 'not-authenticated'),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/bets/{id}',
    operationId: 'readBet',
    summary: 'Where a sports bet stands',
    ...route(deps),
    request: { params: idParam },
    responses: {
      200: json(betOutput, 'The bet'),
      ...problemResponses('invalid-request', 'not-authenticated', 'not-found'),
    },
  });

const offerOutput = z
  .strictObject({ offerId: z.uuid(), value: moneyOutput, expiresAt: timestamp })
  .openapi('CashOutOffer');

const offerRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/bets/{id}/cash-out-offers',
    operationId: 'offerCashOut',
    summary:
      'Ask for an offer to buy a running bet back; it stands for seconds, and not past a change of price',
    ...route(deps),
    request: { params: idParam, headers: idempotencyHeader },
    responses: {
      200: json(offerOutput, 'The offer'),
      ...problemResponses(
        'invalid-request',
        'not-authenticated',
        'not-found',
        'bet-not-open',
        'cash-out-unavailable',
      ),
    },
  });

const cashOutRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/bets/{id}/cash-outs',
    operationId: 'cashOutBet',
    summary: 'Take an offer: the bet ends and its value is paid',
    ...route(deps),
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: body(z.strictObject({ offerId: z.uuid() }).openapi('CashOutRequest')),
    },
    responses: {
      200: json(betOutput, 'The bet, bought back'),
      ...problemResponses(
        'invalid-request',
        'not-authenticated',
        'not-found',
        'bet-not-open',
        'cash-out-offer-gone',
        'dependency-unavailable',
      ),
    },
  });

export function mountBets(api: Api, deps: ApiDeps): void {
  const toApi = async (row: BetRow) => toApiBet(row, (await readLegs(deps.db, [row.id])).get(row.id) ?? []);

  api.openapi(placeRoute(deps), async (c) => {
    const { playerId, sessionId, brand } = c.var.player;
    const request = c.req.valid('json');
    await requireVerifiedEmail(deps, playerId);
    const betId = idFromKey('bet', playerId, c.req.valid('header')['idempotency-key']);
    orThrow(
      await placeBet(deps.db, {
        betId,
        playerId,
        sessionId,
        brand,
        asset: request.stake.asset,
        stake: orThrow(parsePayable(request.stake)),
        acceptance: request.acceptance,
        cashOut: request.cashOut,
        legs: request.legs.map((leg) => ({ ...leg, odds: orThrow(parseOdds(leg.odds)) })),
        fingerprint: requestFingerprint(request),
      }),
    );
    return c.json(await toApi(await mustOwn(deps, betId, playerId)), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state } = c.req.valid('query');
    const { playerId } = c.var.player;
    const rows = await readBets(deps.db, { limit, after, state, playerId, brands: null });
    const page = rows.slice(0, limit);
    const legs = await readLegs(
      deps.db,
      page.map(({ id }) => id),
    );
    const items = page.map((row) => toApiBet(row, legs.get(row.id) ?? []));
    return c.json({ items, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null }, 200);
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await toApi(await mustOwn(deps, c.req.valid('param').id, c.var.player.playerId)), 200),
  );

  api.openapi(offerRoute(deps), async (c) => {
    const { id: betId } = c.req.valid('param');
    const { playerId } = c.var.player;
    const key = c.req.valid('header')['idempotency-key'];
    const offerId = idFromKey(`cash-out-offer:${betId}`, playerId, key);
    const offer = orThrow(await offerCashOut(deps.db, { offerId, betId, playerId }));
    const value = toMoneyText(offer.value, offer.asset);
    return c.json({ offerId, value, expiresAt: offer.expiresAt.toISOString() }, 200);
  });

  api.openapi(cashOutRoute(deps), async (c) => {
    const { id: betId } = c.req.valid('param');
    const { playerId } = c.var.player;
    const { offerId } = c.req.valid('json');
    const row = await mustOwn(deps, betId, playerId);
    const said = { betId, offerId };
    const key = actKeyOf('cash-out', playerId, c.req.valid('header')['idempotency-key'], said);
    await bindKey(deps.db, key);
    if (row.state === 'open') await sendCashOut(deps, row, { offerId, updateId: key.id });
    await requireTaken(deps, betId, offerId);
    return c.json(await toApi(await mustOwn(deps, betId, playerId)), 200);
  });
}

/** The workflow may not have been started yet: the bet is younger than the relay's last round. */
async function sendCashOut(
  deps: ApiDeps,
  row: BetRow,
  { offerId, updateId }: { offerId: string; updateId: string },
): Promise<void> {
  if (!row.followed)
    throw new FailureError(fail('cash-out-offer-gone', 'There is no offer for this bet.').failure);
  const client = await deps.temporal();
  const { id: betId, reopened, playerId, brand, asset } = row;
  await unlessOver(() =>
    client.workflow.executeUpdateWithStart(cashOut, {
      updateId,
      args: [{ offerId }],
      startWorkflowOperation: new WithStartWorkflowOperation<typeof bet>(
        'bet',
        betStart({ betId, reopened, playerId, brand, asset }),
      ),
    }),
  );
}

/** The row has the last word: a repeat for the offer that was taken is an answer, anything else came too late. */
async function requireTaken(deps: ApiDeps, betId: string, offerId: string): Promise<void> {
  const offer = await deps.db
    .selectFrom('games.cashOutOffer')
    .select('state')
    .where('id', '=', offerId)
    .where('betId', '=', betId)
    .executeTakeFirst();
  if (offer?.state !== 'taken') throw new FailureError(fail('bet-not-open', 'The bet has ended.').failure);
}

async function requireVerifiedEmail(deps: ApiDeps, playerId: string): Promise<void> {
  const facts = await deps.db
    .selectFrom('pam.player')
    .select('emailVerifiedAt')
    .where('id', '=', playerId)
    .executeTakeFirstOrThrow();
  if (!facts.emailVerifiedAt)
    throw new FailureError(fail('email-not-verified', 'Verify the e-mail address first.').failure);
}

async function mustOwn(deps: ApiDeps, betId: string, playerId: string): Promise<BetRow> {
  const row = await deps.db
    .selectFrom('games.bet')
    .selectAll()
    .where('id', '=', betId)
    .where('playerId', '=', playerId)
    .executeTakeFirst();
  if (!row) throw new FailureError(fail('not-found', 'There is no such bet.').failure);
  return row;
}
