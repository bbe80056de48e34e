/** The player's withdrawals. */
import { createRoute, z } from '@hono/zod-openapi';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { readWithdrawalMethods } from '#activities/payments/withdrawal-methods.ts';
import { planWithdrawal } from '#activities/payments/commands/quote-withdrawal.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable, toMoneyText } from '#domain/money.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, bindKey, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { requirePlayer } from '../pam-guard.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { idParam, moneyInput, moneyOutput, nullableMoneyOutput, pageOf } from '../schemas.ts';
import {
  body,
  idPageQuery,
  json,
  instrumentOutput,
  readLegsOf,
  toApiInstrument,
  toApiLeg,
  toApiWithdrawal,
  withdrawalOutput,
} from './payment-schemas.ts';
import { runWithdrawal, sendCancellation } from './run-payments.ts';

const requestRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/withdrawals',
    operationId: 'requestWithdrawal',
    tags: ['payments'],
    summary: 'Pay out to cards that paid in and to an own account; the amount is held at once',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      headers: idempotencyHeader,
      body: body(
        z
          .strictObject({ money: moneyInput, instrument: z.strictObject({ instrumentId: z.uuid() }) })
          .openapi('WithdrawalRequest'),
      ),
    },
    responses: {
      200: json(
        withdrawalOutput,
        'The withdrawal; a repeat with the same key answers with the same one as it is now',
      ),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'amount-not-positive',
        'amount-too-precise',
        'amount-too-large',
        'amount-too-small',
        'unknown-asset',
        'not-authenticated',
        'player-blocked',
        'identity-not-verified',
        'payment-method-unavailable',
        'amount-below-minimum',
        'amount-above-maximum',
        'payment-limit-exceeded',
        'withdrawal-pending-wagering',
        'withdrawals-stopped',
        'insufficient-funds',
        'wallet-not-found',
        'dependency-unavailable',
      ),
    },
  });

const quoteOutput = z
  .strictObject({
    money: moneyOutput,
    fee: moneyOutput.openapi({ description: 'Part of `money`; the rest is paid out.' }),
    isFeeWaived: z.boolean(),
    freeLeft: z.int().openapi({ description: 'Free withdrawals of this month before this one.' }),
    legs: z.array(
      z.strictObject({
        leg: z.int(),
        instrumentId: z.uuid(),
        depositId: z.uuid().nullable(),
        payout: moneyOutput,
        fee: moneyOutput,
      }),
    ),
  })
  .openapi('WithdrawalQuote');

const quoteRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/withdrawal-quotes',
    operationId: 'quoteWithdrawal',
    tags: ['payments'],
    summary: 'What a withdrawal would cost now and where its money would go; nothing is held',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      query: z.strictObject({
        amount: z.string().max(60),
        asset: z.string().max(10),
        instrumentId: z.uuid(),
      }),
    },
    responses: {
      200: json(quoteOutput, 'The quote; another withdrawal or deposit meanwhile changes it'),
      ...problemResponses(
        'invalid-request',
        'amount-not-positive',
        'amount-too-precise',
        'amount-too-large',
        'amount-too-small',
        'amount-above-maximum',
        'unknown-asset',
        'not-authenticated',
        'payment-method-unavailable',
      ),
    },
  });

const methodOutput = z
  .strictObject({
    instrument: instrumentOutput,
    asset: z.string(),
    returnable: moneyOutput.openapi({
      description: 'What it has paid in and not got back; it comes here first, whatever is named.',
    }),
    takesRest: z.boolean().openapi({
      description: 'False for a wallet: it takes `returnable` and no more; name an account for the rest.',
    }),
    min: nullableMoneyOutput,
    max: nullableMoneyOutput,
  })
  .openapi('WithdrawalMethod');

const methodsRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/withdrawal-methods',
    operationId: 'listWithdrawalMethods',
    tags: ['payments'],
    summary: 'Where money may go now, instrument by instrument and asset by asset',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    responses: {
      200: json(z.strictObject({ items: z.array(methodOutput) }), 'The methods, newest instrument first'),
      ...problemResponses('not-authenticated'),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/withdrawals/{id}',
    operationId: 'readWithdrawal',
    tags: ['payments'],
    summary: 'Where a withdrawal stands',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam },
    responses: {
      200: json(withdrawalOutput, 'The withdrawal'),
      ...problemResponses('invalid-request', 'not-authenticated', 'not-found'),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/withdrawals',
    operationId: 'listWithdrawals',
    tags: ['payments'],
    summary: "The player's withdrawals, newest first",
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { query: idPageQuery },
    responses: {
      200: json(pageOf(withdrawalOutput, 'WithdrawalPage'), 'A page of withdrawals'),
      ...problemResponses('invalid-request', 'not-authenticated'),
    },
  });

const cancelRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/withdrawals/{id}/cancel',
    operationId: 'cancelWithdrawal',
    tags: ['payments'],
    summary: 'Take a withdrawal back before it is sent, where the jurisdiction allows it',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam, headers: idempotencyHeader },
    responses: {
      200: json(withdrawalOutput, 'The withdrawal, cancelled'),
      ...problemResponses(
        'invalid-request',
        'not-authenticated',
        'not-found',
        'withdrawal-not-pending',
        'dependency-unavailable',
      ),
    },
  });

export function mountWithdrawals(api: Api, deps: ApiDeps): void {
  api.openapi(requestRoute(deps), async (c) => {
    const { playerId, brand, sessionId } = c.var.player;
    const { money, instrument } = c.req.valid('json');
    const row = orThrow(
      await requestWithdrawal(deps.db, {
        withdrawalId: idFromKey('withdrawal', playerId, c.req.valid('header')['idempotency-key']),
        playerId,
        brand,
        money,
        instrumentId: instrument.instrumentId,
        fingerprint: requestFingerprint({ money, instrument }),
        origin: { sessionId, ip: clientAddress(c) },
      }),
    );
    if (row.state === 'requested' || row.state === 'checking') await runWithdrawal(deps, row);
    return c.json(await tell(deps.db, row.id, playerId), 200);
  });

  api.openapi(methodsRoute(deps), async (c) => {
    const { playerId, brand, jurisdiction } = c.var.player;
    const methods = await readWithdrawalMethods(deps.db, { playerId, brand, jurisdiction });
    const items = methods.map(({ instrument, asset, returnable, takesRest, range }) => {
      const money = (units: bigint | null) => (units === null ? null : toMoneyText(units, asset));
      return {
        instrument: toApiInstrument(instrument),
        asset,
        returnable: toMoneyText(returnable, asset),
        takesRest,
        min: money(range.min),
        max: money(range.max),
      };
    });
    return c.json({ items }, 200);
  });

  api.openapi(quoteRoute(deps), async (c) => {
    const { playerId, brand } = c.var.player;
    const { amount, asset, instrumentId } = c.req.valid('query');
    const units = orThrow(parsePayable({ amount, asset }));
    const plan = orThrow(
      await planWithdrawal(deps.db, { playerId, brand, asset, amount: units, instrumentId }),
    );
    return c.json(
      {
        money: toMoneyText(units, asset),
        fee: toMoneyText(plan.fee, asset),
        isFeeWaived: plan.isFeeWaived,
        freeLeft: plan.freeLeft,
        legs: plan.legs.map((leg) => toApiLeg(leg, asset)),
      },
      200,
    );
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after } = c.req.valid('query');
    const { playerId } = c.var.player;
    const rows = await deps.db
      .selectFrom('payments.withdrawal')
      .selectAll()
      .where('playerId', '=', playerId)
      .$if(after !== undefined, (query) =>
        query.where(
          olderThan({ table: 'payments.withdrawal', column: 'requestedAt', after: after ?? '', playerId }),
        ),
      )
      .orderBy('requestedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const legs = await readLegsOf(
      deps.db,
      rows.map(({ id }) => id),
    );
    return c.json(
      pageById(rows, limit, (row) => toApiWithdrawal(row, legs.get(row.id) ?? [])),
      200,
    );
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await tell(deps.db, c.req.valid('param').id, c.var.player.playerId), 200),
  );

  api.openapi(cancelRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { playerId } = c.var.player;
    const row = await mustOwn(deps.db, id, playerId);
    const key = actKeyOf('withdrawal-cancellation', playerId, c.req.valid('header')['idempotency-key'], id);
    await bindKey(deps.db, key);
    if (row.state !== 'cancelled') {
      if (!row.cancellable) {
        throw new FailureError(
          fail('withdrawal-not-pending', 'Withdrawals cannot be taken back in this jurisdiction.').failure,
        );
      }
      await sendCancellation(deps, id);
    }
    return c.json(await tell(deps.db, id, playerId), 200);
  });
}

async function tell(db: Database, id: string, playerId: string) {
  const row = await mustOwn(db, id, playerId);
  return toApiWithdrawal(row, (await readLegsOf(db, [id])).get(id) ?? []);
}

async function mustOwn(db: Database, id: string, playerId: string) {
  const row = await db
    .selectFrom('payments.withdrawal')
    .selectAll()
    .where('id', '=', id)
    .where('playerId', '=', playerId)
    .executeTakeFirst();
  if (row === undefined) throw new FailureError(fail('not-found', 'There is no such withdrawal.').failure);
  return row;
}
