/** The player's deposits. */
import { createRoute, z } from '@hono/zod-openapi';
import { recordReturn } from '#activities/payments/commands/record-return.ts';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { currentRoute } from '#activities/payments/routes.ts';
import type { DepositRow } from '#activities/payments/payment-rows.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { idParam, moneyInput, pageOf } from '../schemas.ts';
import { body, depositOutput, idPageQuery, instrumentOutput, json, toApiDeposit, toApiInstrument } from './payment-schemas.ts';
import { resumeDeposit, runDeposit } from './run-payments.ts';

const cardInput = z
  .strictObject({
    kind: z.literal('card'),
    tokens: z
      .array(
        z.strictObject({
          psp: z.string().regex(/^[a-z]{1,20}$/),
          // A card number is never a token: twelve or more digits alone are refused.
          token: z.string().regex(/^(?!\d{12,19}$)[\w-]{4,128}$/, 'must be a token of the PSP, never a card number'),
        }),
      )
      .min(1)
      .max(5)
      .openapi({ description: 'The same card as each PSP knows it; the route decides where it is tried first.' }),
  })
  .openapi('CardInstrument');

const depositInput = z
  .strictObject({
    money: moneyInput,
    instrument: cardInput,
    returnUrl: z.url({ protocol: /^https?$/ }).max(2_000).openapi({ description: 'Where the player goes after a challenge.' }),
  })
  .openapi('DepositRequest');

const requestRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/deposits',
    operationId: 'requestDeposit',
    tags: ['payments'],
    summary: 'Pay in; the answer says what the player does next',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { headers: idempotencyHeader, body: body(depositInput) },
    responses: {
      200: json(depositOutput, 'The deposit; a repeat with the same key answers with the same deposit as it is now'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'amount-not-positive',
        'amount-too-precise',
        'amount-too-large',
        'unknown-asset',
        'unsupported-asset',
        'not-authenticated',
        'email-not-verified',
        'identity-not-verified',
        'player-blocked',
        'self-excluded',
        'deposit-limit-required',
        'deposit-limit-exceeded',
        'payment-method-unavailable',
        'idempotency-key-reused',
        'dependency-unavailable',
      ),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/deposits/{id}',
    operationId: 'readDeposit',
    tags: ['payments'],
    summary: 'Where a deposit stands',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam },
    responses: {
      200: json(depositOutput, 'The deposit'),
      ...problemResponses('invalid-request', 'not-authenticated', 'not-found'),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/deposits',
    operationId: 'listDeposits',
    tags: ['payments'],
    summary: "The player's deposits, newest first",
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { query: idPageQuery },
    responses: {
      200: json(pageOf(depositOutput, 'DepositPage'), 'A page of deposits'),
      ...problemResponses('invalid-request', 'not-authenticated'),
    },
  });

const methodsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/deposit-methods',
    operationId: 'listDepositMethods',
    tags: ['payments'],
    summary: 'How the player can pay in',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    responses: {
      200: json(
        z.strictObject({
          items: z.array(
            z
              .strictObject({
                method: z.literal('card'),
                asset: z.string(),
                psps: z.array(z.string()).openapi({ description: 'Tokenise the card with each of these.' }),
              })
              .openapi('DepositMethod'),
          ),
        }),
        'The methods',
      ),
      ...problemResponses('not-authenticated'),
    },
  });

const instrumentsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/instruments',
    operationId: 'listInstruments',
    tags: ['payments'],
    summary: 'Cards that paid in, and that money can go back to',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    responses: {
      200: json(z.strictObject({ items: z.array(instrumentOutput) }), 'The cards'),
      ...problemResponses('not-authenticated'),
    },
  });

const completeRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/deposits/{id}/complete',
    operationId: 'completeDepositAction',
    tags: ['payments'],
    summary: 'The player is back from the challenge',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      params: idParam,
      body: body(
        z
          .strictObject({
            redirectResult: z.string().max(20_000).optional(),
            paymentIntent: z.string().max(200).optional(),
          })
          .openapi('DepositReturn', { description: "What the PSP added to the return address; it is only handed back to the PSP." }),
      ),
    },
    responses: {
      200: json(depositOutput, 'The deposit after the PSP was asked'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'not-found',
        'deposit-not-awaiting-action',
        'dependency-unavailable',
      ),
    },
  });

export function mountDeposits(api: Api, deps: ApiDeps): void {
  api.openapi(requestRoute(deps), async (c) => {
    const { playerId, brand } = c.var.player;
    const { money, instrument, returnUrl } = c.req.valid('json');
    const row = orThrow(
      await requestDeposit(deps.db, {
        depositId: idFromKey('deposit', playerId, c.req.valid('header')['idempotency-key']),
        playerId,
        brand,
        money,
        tokens: instrument.tokens,
        returnUrl,
        fingerprint: requestFingerprint({ money, instrument, returnUrl }),
      }),
    );
    if (row.state !== 'captured' && row.state !== 'failed' && row.state !== 'parked') await runDeposit(deps, row);
    return c.json(await readDeposit(deps.db, row.id, playerId), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after } = c.req.valid('query');
    const rows = await listDeposits(deps.db, c.var.player.playerId, limit, after);
    const page = rows.slice(0, limit);
    const attempts = await currentActions(deps.db, page);
    return c.json(
      {
        items: page.map((row) => toApiDeposit(row, attempts.get(row.id))),
        next: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
      },
      200,
    );
  });

  api.openapi(methodsRoute(deps), async (c) => {
    const { playerId, brand } = c.var.player;
    const wallets = await deps.db.selectFrom('wallet.playerWallet').select('asset').where('playerId', '=', playerId).execute();
    const routes = await Promise.all(wallets.map(({ asset }) => currentRoute(deps.db, brand, 'card', asset)));
    const items = routes.flatMap((route) =>
      route === null ? [] : [{ method: route.method, asset: route.currency, psps: [...route.psps] }],
    );
    return c.json({ items }, 200);
  });

  api.openapi(instrumentsRoute(deps), async (c) => {
    const rows = await deps.db
      .selectFrom('payments.instrument')
      .selectAll()
      .where('playerId', '=', c.var.player.playerId)
      .orderBy('createdAt', 'desc')
      .limit(50)
      .execute();
    return c.json({ items: rows.map(toApiInstrument) }, 200);
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await readDeposit(deps.db, c.req.valid('param').id, c.var.player.playerId), 200),
  );

  api.openapi(completeRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { playerId } = c.var.player;
    const given = Object.entries(c.req.valid('json')).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const returned = orThrow(await recordReturn(deps.db, id, { playerId }, Object.fromEntries(given)));
    if (returned.isOpen) await resumeDeposit(deps, id);
    else if (!returned.hasReturned) {
      throw new FailureError(fail('deposit-not-awaiting-action', 'The deposit waits for nothing.').failure);
    }
    return c.json(await readDeposit(deps.db, id, playerId), 200);
  });
}

async function readDeposit(db: Database, id: string, playerId: string) {
  const row = await db.selectFrom('payments.deposit').selectAll().where('id', '=', id).where('playerId', '=', playerId).executeTakeFirst();
  if (row === undefined) throw new FailureError(fail('not-found', 'There is no such deposit.').failure);
  return toApiDeposit(row, (await currentActions(db, [row])).get(id));
}

/** The attempt that waits for the player, by deposit. */
async function currentActions(db: Database, rows: readonly DepositRow[]) {
  const waiting = rows.filter(({ state }) => state === 'awaiting-action').map(({ id }) => id);
  if (waiting.length === 0) return new Map<string, { state: string; actionUrl: string | null }>();
  const attempts = await db
    .selectFrom('payments.attempt')
    .select(['depositId', 'state', 'actionUrl'])
    .where('depositId', 'in', waiting)
    .where('state', '=', 'action')
    .execute();
  return new Map(attempts.map((attempt) => [attempt.depositId, attempt]));
}

/** One more than `limit`, so that the caller sees whether there is a next page. */
const listDeposits = (db: Database, playerId: string, limit: number, after: string | undefined) =>
  db
    .selectFrom('payments.deposit')
    .selectAll()
    .where('playerId', '=', playerId)
    .$if(after !== undefined, (query) =>
      query.where((where) =>
        where(
          where.refTuple('requestedAt', 'id'),
          '<',
          where
            .selectFrom('payments.deposit as last')
            .select(['last.requestedAt', 'last.id'])
            .where('last.playerId', '=', playerId)
            .where('last.id', '=', after ?? '')
            .$asTuple('requestedAt', 'id'),
        ),
      ),
    )
    .orderBy('requestedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
