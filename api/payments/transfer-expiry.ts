/** Staff end an announced bank transfer that will not come, so that the player's deposit limit is free again. */
import { createRoute, z } from '@hono/zod-openapi';
import { expireTransfer } from '#activities/payments/commands/expire-transfers.ts';
import { once } from '#activities/compliance/commands/keyed-acts.ts';
import { fail, FailureError, succeed } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, idempotencyHeader } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { idParam } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, depositOutput, json, toApiDeposit } from './payment-schemas.ts';

const route = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/bank-transfers/{id}/expiry',
    operationId: 'expireBankTransfer',
    tags: ['payments'],
    summary: 'End an announced transfer; money that comes all the same is credited or parked',
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'payments:work-item:work')] as const,
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: body(z.strictObject({ reason: z.string().trim().min(3).max(500) }).openapi('BankTransferExpiry')),
    },
    responses: {
      200: json(depositOutput, 'The announced deposit, ended; a repeat answers the same'),
      ...problemResponses(
        'malformed-json',
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'not-found',
        'deposit-not-awaiting-action',
        'dependency-unavailable',
      ),
    },
  });

export function mountTransferExpiry(api: Api, deps: ApiDeps): void {
  api.openapi(route(deps), async (c) => {
    const { id } = c.req.valid('param');
    const known = await deps.db
      .selectFrom('payments.deposit')
      .select('brand')
      .where('id', '=', id)
      .executeTakeFirst();
    if (known === undefined || !maySee(c.var.operator, known.brand))
      throw new FailureError(fail('not-found', 'There is no such deposit.').failure);
    const { operatorId } = c.var.operator;
    const { reason } = c.req.valid('json');
    const header = c.req.valid('header')['idempotency-key'];
    const key = actKeyOf('transfer-expiry', operatorId, header, { depositId: id, reason });
    const row = await decided(deps.db, (trx) =>
      once(
        trx,
        key,
        () => expireTransfer(trx, id, { actor: { kind: 'operator', id: operatorId }, reason }),
        async () =>
          succeed(
            await trx
              .selectFrom('payments.deposit')
              .selectAll()
              .where('id', '=', id)
              .executeTakeFirstOrThrow(),
          ),
      ),
    );
    return c.json(toApiDeposit(row, null), 200);
  });
}
