/** Staff end an announced bank transfer that will not come, so that the player's deposit limit is free again. */
import { createRoute, z } from '@hono/zod-openapi';
import { expireTransfer } from '#activities/payments/commands/expire-transfers.ts';
import { fail, FailureError } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { requireBrand, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
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
    if (known === undefined) throw new FailureError(fail('not-found', 'There is no such deposit.').failure);
    requireBrand(c.var.operator, known.brand);
    const row = await decided(deps.db, (trx) =>
      expireTransfer(trx, id, {
        actor: { kind: 'operator', id: c.var.operator.operatorId },
        reason: c.req.valid('json').reason,
      }),
    );
    return c.json(toApiDeposit(row, null), 200);
  });
}
