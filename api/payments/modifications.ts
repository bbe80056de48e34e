/** Captures and voids in the back office: asked for, decided by a second person above a band, followed to their end. */
import { createRoute, type z } from '@hono/zod-openapi';
import { WithStartWorkflowOperation } from '@temporalio/client';
import {
  modificationInputOf,
  requestModification,
  type ModificationRow,
} from '#activities/payments/commands/request-modification.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { parsePayable, type MoneyText } from '#domain/money.ts';
import type { ModificationKind } from '#domain/payments/modification-state.ts';
import {
  beginModification,
  decideModification,
  modificationStart,
  modificationWorkflowId,
  type ModificationDecision,
} from '#workflows/modification.contract.ts';
import type { modification } from '#workflows/modification.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { actKeyOf, bindKey, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { newerThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { unlessOver } from '../workflow-failures.ts';
import {
  captureInput,
  modificationDecision,
  modificationOutput,
  modificationQuery,
  modificationTimeline,
  toApiModification,
  voidInput,
} from './modification-schemas.ts';
import { body, json } from './payment-schemas.ts';
import { readTimeline } from './payment-timeline.ts';

const common = { tags: ['payments'], security: [{ operatorSession: [] }] };

const refusals = [
  'malformed-json',
  'invalid-request',
  'not-authenticated',
  'forbidden',
  'own-approval',
  'self-excluded',
  'player-blocked',
  'not-found',
  'modification-not-open',
  'dependency-unavailable',
] as const;

const captureRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/deposits/{id}/captures',
    operationId: 'captureDeposit',
    summary: 'Take an authorised deposit, or a part of it; the player is credited with what was taken',
    description:
      'Above the band of the operator’s roles, which is that of refunds, it waits for another person. One at a time: while the outcome of a capture is not known, there is no other. With `isFinal: false` the rest stays held for further captures, where the deposit was authorised so (capture mode `in-parts` of its route) and the PSP takes several.',
    middleware: [requireOperator(deps, 'payments:capture:request')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(captureInput) },
    responses: {
      200: json(modificationTimeline, 'The capture; a repeat with the same key answers with it as it is now'),
      ...problemResponses(
        ...refusals,
        'amount-not-positive',
        'amount-too-precise',
        'amount-too-large',
        'unknown-asset',
        'exceeds-authorised',
        'several-captures-unsupported',
      ),
    },
  });

const voidRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/deposits/{id}/voids',
    operationId: 'voidDeposit',
    summary: 'Give an authorised deposit up; the money stays with the player’s bank',
    description:
      'Above the band of the operator’s roles, which is that of refunds, it waits for another person.',
    middleware: [requireOperator(deps, 'payments:capture:request')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(voidInput) },
    responses: {
      200: json(modificationTimeline, 'The void; a repeat with the same key answers with it as it is now'),
      ...problemResponses(...refusals),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: '/admin/v1/modifications/{id}/approvals',
    operationId: 'decideModification',
    summary: 'Approve or refuse a capture or void that somebody else asked for',
    middleware: [requireOperator(deps, 'payments:capture:decide')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(modificationDecision) },
    responses: {
      200: json(modificationTimeline, 'As it is after the decision'),
      ...problemResponses(...refusals, 'already-decided'),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/modifications',
    operationId: 'listModifications',
    summary: 'Captures and voids, oldest first',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { query: modificationQuery },
    responses: {
      200: json(pageOf(modificationOutput, 'ModificationPage'), 'A page of them'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden'),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/modifications/{id}',
    operationId: 'readModification',
    summary: 'A capture or void with its journals, notices and work items',
    middleware: [requireOperator(deps, 'payments:deposit:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(modificationTimeline, 'The capture or void'),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

export function mountModifications(api: Api, deps: ApiDeps): void {
  api.openapi(captureRoute(deps), async (c) => {
    const input = c.req.valid('json');
    // A bad amount is named before anything else.
    if (input.money !== undefined) orThrow(parsePayable(input.money));
    const asked = { depositId: c.req.valid('param').id, key: c.req.valid('header')['idempotency-key'] };
    const row = await ask(deps, c.var.operator, {
      ...asked,
      kind: 'capture',
      money: input.money ?? null,
      reason: input.reason,
      // Left out where true, as in the fingerprints of requests of before.
      ...(input.isFinal ? {} : { isFinal: false as const }),
    });
    return c.json(await timelineOf(deps, c.var.operator, row.id), 200);
  });

  api.openapi(voidRoute(deps), async (c) => {
    const asked = { depositId: c.req.valid('param').id, key: c.req.valid('header')['idempotency-key'] };
    const { reason } = c.req.valid('json');
    const row = await ask(deps, c.var.operator, { ...asked, kind: 'void', money: null, reason });
    return c.json(await timelineOf(deps, c.var.operator, row.id), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operator } = c.var;
    await mustSee(deps, operator, id);
    const role = operator.roles.find((held) => mayDo([held], 'payments:capture:decide'));
    if (role === undefined) throw new FailureError(fail('forbidden', 'No role of yours may decide.').failure);
    const { operatorId } = operator;
    const decision = c.req.valid('json');
    const key = actKeyOf('modification-decision', operatorId, c.req.valid('header')['idempotency-key'], {
      id,
      ...decision,
    });
    await bindKey(deps.db, key);
    await sendDecision(deps, id, key.id, { operatorId, role, ...decision });
    return c.json(await timelineOf(deps, operator, id), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, state, depositId } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await deps.db
      .selectFrom('payments.modification')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(depositId !== undefined, (query) => query.where('depositId', '=', depositId ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(newerThan({ table: 'payments.modification', column: 'requestedAt', after: after ?? '' })),
      )
      .orderBy('requestedAt')
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiModification), 200);
  });

  api.openapi(readRoute(deps), async (c) =>
    c.json(await timelineOf(deps, c.var.operator, c.req.valid('param').id), 200),
  );
}

type Asked = {
  readonly depositId: string;
  readonly key: string;
  readonly kind: ModificationKind;
  readonly money: MoneyText | null;
  readonly reason: string;
  readonly isFinal?: false;
};

async function ask(
  deps: ApiDeps,
  operator: OperatorIdentity,
  { key, ...input }: Asked,
): Promise<ModificationRow> {
  const deposit = await deps.db
    .selectFrom('payments.deposit')
    .select('brand')
    .where('id', '=', input.depositId)
    .executeTakeFirst();
  if (deposit === undefined || !maySee(operator, deposit.brand)) throw notFound();
  const row = await decided(deps.db, (trx) =>
    requestModification(trx, deps.keyRing, {
      ...input,
      isFinal: input.isFinal ?? true,
      modificationId: idFromKey('modification', operator.operatorId, key),
      operatorId: operator.operatorId,
      roles: operator.roles,
      fingerprint: requestFingerprint(input),
    }),
  );
  if (row.closedAt === null) {
    const client = await deps.temporal();
    await unlessOver(() =>
      client.workflow.executeUpdateWithStart(beginModification, {
        startWorkflowOperation: new WithStartWorkflowOperation<typeof modification>(
          'modification',
          modificationStart(modificationInputOf(row)),
        ),
      }),
    );
  }
  return row;
}

/** A repeat of a decision that was written is answered with the row; anything else came too late. */
async function sendDecision(
  deps: Pick<ApiDeps, 'temporal' | 'db'>,
  modificationId: string,
  updateId: string,
  decision: ModificationDecision,
): Promise<void> {
  const client = await deps.temporal();
  const isRunning = await unlessOver(() =>
    client.workflow
      .getHandle(modificationWorkflowId(modificationId))
      .executeUpdate(decideModification, { updateId, args: [decision] }),
  );
  if (isRunning) return;
  const written = await deps.db
    .selectFrom('payments.modification')
    .select(['decidedBy', 'decision'])
    .where('id', '=', modificationId)
    .executeTakeFirst();
  if (written?.decidedBy !== decision.operatorId || written.decision !== decision.decision)
    throw new FailureError(fail('modification-not-open', 'It has ended or is on its way.').failure);
}

const mustSee = async ({ db }: Pick<ApiDeps, 'db'>, operator: OperatorIdentity, id: string) =>
  requireVisible(
    operator,
    await db.selectFrom('payments.modification').selectAll().where('id', '=', id).executeTakeFirst(),
  );

async function timelineOf(
  deps: ApiDeps,
  operator: OperatorIdentity,
  id: string,
): Promise<z.infer<typeof modificationTimeline>> {
  return {
    ...toApiModification(await mustSee(deps, operator, id)),
    workflowId: modificationWorkflowId(id),
    ...(await readTimeline(deps.db, `modification:${id}`)),
  };
}

const notFound = (): FailureError =>
  new FailureError(fail('not-found', 'There is nothing at this address.').failure);
