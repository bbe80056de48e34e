/** Work items as staff handle them: one with its comments, its owner, and its closing with a reason and a proof. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  askVoidSoon,
  assignWorkItem,
  closeWorkItem,
  commentWorkItem,
} from '#activities/payments/commands/work-item-actions.ts';
import { openReturnOf, readSender } from '#activities/payments/commands/suspense-senders.ts';
import type { SuspenseItemRow } from '#activities/payments/suspense.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { closingRuleOf, proofKinds } from '#domain/payments/work-items.ts';
import type { Api } from '../app.ts';
import { requireColleague } from '../backoffice/colleague.ts';
import { requireOperator, requireVisible } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { idempotencyHeader, idFromKey } from '../idempotency.ts';
import { problemResponses } from '../problem.ts';
import { idParam, moneyOutput, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, json } from './payment-schemas.ts';
import { toApiWorkItem, workItemOutput } from './payment-timeline.ts';

const detailOutput = z
  .strictObject({
    ...workItemOutput.shape,
    brand: z.string().nullable(),
    closedBy: z.uuid().nullable(),
    proof: z.strictObject({ kind: z.string(), reference: z.string() }).nullable(),
    closesBy: z
      .enum(['own-action', 'ended', 'proof', 'reason'])
      .openapi({ description: 'What its kind asks for; `own-action`: another route closes it.' }),
    isMoney: z.boolean().openapi({ description: 'Only `payments:work-item:decide` closes it.' }),
    suspense: z
      .strictObject({
        money: moneyOutput,
        proposed: z
          .strictObject({
            operatorId: z.uuid(),
            kind: z.string(),
            reference: z.string(),
            proposedAt: timestamp,
          })
          .nullable(),
        sender: z.strictObject({ name: z.string(), ibanLast4: z.string() }).nullable().openapi({
          description:
            'Where a `return` would go. Null where the bank told no account, and for who may not decide.',
        }),
        returning: z
          .enum(['queued', 'batched', 'accepted'])
          .nullable()
          .openapi({ description: 'How far its way back is, as two people decided it.' }),
      })
      .nullable()
      .openapi({
        description:
          'What of it stands in suspense, signed as our account moved, and the proof that one person named; it is released when another one names the same.',
      }),
    comments: z.array(z.strictObject({ operatorId: z.uuid(), comment: z.string(), commentedAt: timestamp })),
  })
  .openapi('PaymentWorkItemDetail');

const returnState = z.enum(['queued', 'batched', 'accepted']);
const security = [{ operatorSession: [] }];
const common = [
  'malformed-json',
  'invalid-request',
  'not-authenticated',
  'forbidden',
  'not-found',
  'dependency-unavailable',
] as const;
const tags = ['payments'];
const item = { 200: json(detailOutput, 'The work item as it is now') };

const readRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/payments/work-items/{id}',
    operationId: 'readPaymentWorkItem',
    tags,
    summary: 'A work item with its comments and how it may be closed',
    security,
    middleware: [requireOperator(deps, 'payments:withdrawal:read')] as const,
    request: { params: idParam },
    responses: {
      ...item,
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

const ownerRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/payments/work-items/{id}/owner',
    operationId: 'assignPaymentWorkItem',
    tags,
    summary: 'Take a work item, or give it to a colleague',
    security,
    middleware: [requireOperator(deps, 'payments:work-item:work')] as const,
    request: {
      params: idParam,
      body: body(
        z
          .strictObject({ ownerId: z.uuid().optional().openapi({ description: 'Yourself, if left out.' }) })
          .openapi('WorkItemOwner'),
      ),
    },
    responses: { ...item, ...problemResponses(...common, 'work-item-not-open') },
  });

const commentRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/payments/work-items/{id}/comments',
    operationId: 'commentPaymentWorkItem',
    tags,
    summary: 'Write down what was found out; comments stay',
    security,
    middleware: [requireOperator(deps, 'payments:work-item:work')] as const,
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: body(z.strictObject({ comment: z.string().trim().min(3).max(1_000) }).openapi('WorkItemComment')),
    },
    responses: { ...item, ...problemResponses(...common) },
  });

const closeRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/payments/work-items/{id}/closings',
    operationId: 'closePaymentWorkItem',
    tags,
    summary: 'Close a work item with a reason and, where its kind asks for one, a proof that is looked up',
    security,
    middleware: [requireOperator(deps, 'payments:work-item:work')] as const,
    request: {
      params: idParam,
      body: body(
        z
          .strictObject({
            reason: z.string().trim().min(3).max(500),
            proof: z
              .strictObject({ kind: z.enum(proofKinds), reference: z.string().min(1).max(200) })
              .optional()
              .openapi({
                description:
                  'A `void` is named by our reference, `deposit:{id}:a{attempt}:v`, and counts once the PSP shows it. Money in suspense leaves it by a `correction` of a player of the same sum, by a `bank-entry`: the subject of the movement that took it back, by the `journal` of the payment that it turned out to be, by the `break` of a PSP’s payout that came with another amount, or by its `return` to the sender, named by the item’s own subject: it leaves suspense when the bank has booked it.',
              }),
          })
          .openapi('WorkItemClosing'),
      ),
    },
    responses: { ...item, ...problemResponses(...common, 'work-item-not-open') },
  });

export function mountWorkItems(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(readRoute(deps), async (c) => {
    const { operator } = c.var;
    await mustSee(deps, operator, c.req.valid('param').id);
    return c.json(await readItem(deps, operator, c.req.valid('param').id), 200);
  });

  api.openapi(ownerRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operatorId } = c.var.operator;
    const { brand } = await mustSee(deps, c.var.operator, id);
    const ownerId = c.req.valid('json').ownerId ?? operatorId;
    await requireColleague(db, ownerId, { permission: 'payments:work-item:work', brand });
    await decided(db, (trx) => assignWorkItem(trx, id, ownerId, operatorId));
    return c.json(await readItem(deps, c.var.operator, id), 200);
  });

  api.openapi(commentRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operatorId } = c.var.operator;
    await mustSee(deps, c.var.operator, id);
    await decided(db, (trx) =>
      commentWorkItem(trx, id, {
        commentId: idFromKey(`work-item-comment:${id}`, operatorId, c.req.valid('header')['idempotency-key']),
        text: c.req.valid('json').comment,
        operatorId,
      }),
    );
    return c.json(await readItem(deps, c.var.operator, id), 200);
  });

  api.openapi(closeRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const { operatorId, roles } = c.var.operator;
    const { kind } = await mustSee(deps, c.var.operator, id);
    if (closingRuleOf(kind).isMoney && !mayDo(roles, 'payments:work-item:decide'))
      throw new FailureError(
        fail('forbidden', 'Money may hang on this: it needs payments:work-item:decide.').failure,
      );
    const { reason, proof = null } = c.req.valid('json');
    if (proof?.kind === 'void') await askVoidSoon(db, id);
    await decided(db, (trx) => closeWorkItem(trx, id, { reason, proof, operatorId }));
    return c.json(await readItem(deps, c.var.operator, id), 200);
  });
}

const mustSee = async ({ db }: Pick<ApiDeps, 'db'>, operator: OperatorIdentity, id: string) =>
  requireVisible(
    operator,
    await db
      .selectFrom('payments.workItem')
      .select(['kind', 'brand'])
      .where('id', '=', id)
      .executeTakeFirst(),
  );

async function readItem(
  { db, keyRing }: Pick<ApiDeps, 'db' | 'keyRing'>,
  { roles }: OperatorIdentity,
  id: string,
): Promise<z.infer<typeof detailOutput>> {
  const [row, comments, held] = await Promise.all([
    db.selectFrom('payments.workItem').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
    db
      .selectFrom('payments.workItemComment')
      .select(['operatorId', 'comment', 'commentedAt'])
      .where('workItemId', '=', id)
      .orderBy('commentedAt')
      .orderBy('id')
      .limit(200)
      .execute(),
    db
      .selectFrom('payments.suspenseItem as s')
      .innerJoin('payments.workItem as w', 'w.subject', 's.subject')
      .select([
        's.subject',
        's.asset',
        's.amount',
        's.proposedBy',
        's.proposedKind',
        's.proposedReference',
        's.proposedAt',
      ])
      .where('w.id', '=', id)
      .where('s.releasedAt', 'is', null)
      .executeTakeFirst(),
  ]);
  const { by, isMoney } = closingRuleOf(row.kind);
  const mayDecide = mayDo(roles, 'payments:work-item:decide');
  const sender = held !== undefined && mayDecide ? await readSender(db, keyRing, held.subject) : null;
  const returning = held && (await openReturnOf(db, held.subject));
  return {
    ...toApiWorkItem(row),
    brand: row.brand,
    closedBy: row.closedBy,
    proof:
      row.proofKind === null || row.proofReference === null
        ? null
        : { kind: row.proofKind, reference: row.proofReference },
    closesBy: by,
    isMoney,
    suspense:
      held === undefined
        ? null
        : {
            ...toApiSuspense(held),
            sender: sender && { name: sender.name, ibanLast4: sender.iban.slice(-4) },
            returning: returnState.nullable().parse(returning?.state ?? null),
          },
    comments: comments.map((one) => ({ ...one, commentedAt: one.commentedAt.toISOString() })),
  };
}

type Held = Pick<
  SuspenseItemRow,
  'asset' | 'amount' | 'proposedBy' | 'proposedKind' | 'proposedReference' | 'proposedAt'
>;

const toApiSuspense = (held: Held) => ({
  money: toMoneyText(BigInt(held.amount), held.asset),
  proposed:
    held.proposedBy === null ||
    held.proposedKind === null ||
    held.proposedReference === null ||
    held.proposedAt === null
      ? null
      : {
          operatorId: held.proposedBy,
          kind: held.proposedKind,
          reference: held.proposedReference,
          proposedAt: held.proposedAt.toISOString(),
        },
});
