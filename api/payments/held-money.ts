/** Money of confirmed matches in the back office: what is held, what was proposed, and the second person's word. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import {
  decideHeldMoney,
  proposeHeldMoney,
  wishOf,
  type HeldMoneyRow,
} from '#activities/payments/commands/held-money.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { heldMoneyDecisions, heldMoneyReasons } from '#domain/payments/held-money.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { actKeyOf, idempotencyHeader, idFromKey, requestFingerprint } from '../idempotency.ts';
import { olderThan, pageById } from '../keyset.ts';
import { problemResponses } from '../problem.ts';
import { idParam, moneyOutput, pageOf, timestamp } from '../schemas.ts';
import { decided } from '../wallet/decided.ts';
import { body, idPageQuery, json } from './payment-schemas.ts';

const note = z.string().trim().min(3).max(500).openapi({ description: 'Kept in the audit trail.' });

const heldOutput = z
  .strictObject({
    withdrawalId: z.uuid(),
    playerId: z.uuid(),
    brand: z.string(),
    jurisdiction: z.string(),
    held: moneyOutput,
    screeningId: z.uuid(),
    lists: z.array(z.string()).openapi({ description: 'Kinds of lists with the confirmed match.' }),
    confirmedBy: z.uuid(),
    confirmedAt: timestamp,
    isProposed: z.boolean().openapi({ description: 'A proposal waits for its decision.' }),
    isKept: z.boolean().openapi({ description: 'Two people have decided that it stays held.' }),
  })
  .openapi('HeldMoney');

const proposalInput = z
  .strictObject({
    withdrawalId: z.uuid(),
    decision: z.enum(heldMoneyDecisions).openapi({
      description:
        '`keep`: stays held; `pay`: the withdrawal goes on, its sources first; `forfeit`: owed to the authority of the jurisdiction.',
    }),
    reasonCode: z.enum(heldMoneyReasons),
    reference: z.string().trim().min(3).max(200).optional().openapi({
      description: 'Number of the licence, notice or order; some reasons need it.',
    }),
    note,
  })
  .openapi('HeldMoneyProposalInput');

const proposalOutput = z
  .strictObject({
    proposalId: z.uuid(),
    withdrawalId: z.uuid(),
    screeningId: z.uuid(),
    playerId: z.uuid(),
    brand: z.string(),
    held: moneyOutput,
    decision: z.enum(heldMoneyDecisions),
    reasonCode: z.enum(heldMoneyReasons),
    reference: z.string().nullable(),
    note: z.string(),
    payloadHash: z.string(),
    state: z.enum(['proposed', 'approved', 'refused']),
    proposedBy: z.uuid(),
    proposedAt: timestamp,
    decidedBy: z.uuid().nullable(),
    decisionReason: z.string().nullable(),
    decidedAt: timestamp.nullable(),
  })
  .openapi('HeldMoneyProposal');

const decisionInput = z
  .strictObject({
    decision: z.enum(['approve', 'refuse']),
    payloadHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .openapi({ description: 'Of the proposal as it was shown.' }),
    reason: note,
  })
  .openapi('HeldMoneyDecision');

const path = '/admin/v1/payments/held-money-proposals';
const common = { tags: ['payments'], security: [{ operatorSession: [] }] };
const reads = ['invalid-request', 'not-authenticated', 'forbidden'] as const;
const writes = [
  ...reads,
  'not-found',
  'malformed-json',
  'own-approval',
  'held-money-not-open',
  'dependency-unavailable',
] as const;

const heldRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path: '/admin/v1/payments/held-money',
    operationId: 'listHeldMoney',
    summary: 'Withdrawals whose money a confirmed match holds, oldest first',
    middleware: [requireOperator(deps, 'kyc:screening:read')] as const,
    responses: {
      200: json(z.strictObject({ items: z.array(heldOutput) }), 'At most 200'),
      ...problemResponses(...reads),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'listHeldMoneyProposals',
    summary: 'What was proposed and decided about held money, newest first',
    middleware: [requireOperator(deps, 'kyc:screening:read')] as const,
    request: {
      query: idPageQuery.extend({
        withdrawalId: z.uuid().optional(),
        state: proposalOutput.shape.state.optional(),
      }),
    },
    responses: {
      200: json(pageOf(proposalOutput, 'HeldMoneyProposalPage'), 'A page of proposals'),
      ...problemResponses(...reads),
    },
  });

const proposeRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path,
    operationId: 'proposeHeldMoney',
    summary: 'Propose what becomes of the money that a confirmed match holds',
    middleware: [requireOperator(deps, 'payments:held-money:propose')] as const,
    request: { headers: idempotencyHeader, body: body(proposalInput) },
    responses: {
      200: json(proposalOutput, 'The proposal'),
      ...problemResponses(...writes),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    ...common,
    method: 'post',
    path: `${path}/{id}/decisions`,
    operationId: 'decideHeldMoney',
    summary:
      'Approve a proposal about held money, which carries it out, or refuse it; nobody approves his own',
    middleware: [requireOperator(deps, 'payments:held-money:decide')] as const,
    request: { params: idParam, headers: idempotencyHeader, body: body(decisionInput) },
    responses: {
      200: json(
        proposalOutput,
        'The proposal as it was decided; a repeat with the same key answers the same',
      ),
      ...problemResponses(...writes, 'insufficient-funds'),
    },
  });

export function mountHeldMoney(api: Api, deps: ApiDeps): void {
  const { db } = deps;

  api.openapi(heldRoute(deps), async (c) =>
    c.json({ items: await readHeld(deps, brandScope(c.var.operator)) }, 200),
  );

  api.openapi(listRoute(deps), async (c) => {
    const { limit, after, withdrawalId, state } = c.req.valid('query');
    const brands = brandScope(c.var.operator);
    const rows = await db
      .selectFrom('payments.heldMoneyProposal')
      .selectAll()
      .$if(brands !== null, (query) => query.where('brand', 'in', [...(brands ?? [])]))
      .$if(withdrawalId !== undefined, (query) => query.where('withdrawalId', '=', withdrawalId ?? ''))
      .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
      .$if(after !== undefined, (query) =>
        query.where(
          olderThan({ table: 'payments.heldMoneyProposal', column: 'proposedAt', after: after ?? '' }),
        ),
      )
      .orderBy('proposedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    return c.json(pageById(rows, limit, toApiProposal), 200);
  });

  api.openapi(proposeRoute(deps), async (c) => {
    const { operatorId } = c.var.operator;
    const input = c.req.valid('json');
    const known = await db
      .selectFrom('payments.withdrawal')
      .select('brand')
      .where('id', '=', input.withdrawalId)
      .executeTakeFirst();
    if (known === undefined || !maySee(c.var.operator, known.brand))
      throw new FailureError(fail('not-found', 'There is no such withdrawal.').failure);
    const proposalId = idFromKey('held-money', operatorId, c.req.valid('header')['idempotency-key']);
    const fingerprint = requestFingerprint(input);
    const order = { ...input, reference: input.reference ?? null, proposalId, operatorId, fingerprint };
    return c.json(toApiProposal(await decided(db, (trx) => proposeHeldMoney(trx, deps.keyRing, order))), 200);
  });

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const known = await db
      .selectFrom('payments.heldMoneyProposal')
      .select('brand')
      .where('id', '=', id)
      .executeTakeFirst();
    if (known === undefined || !maySee(c.var.operator, known.brand))
      throw new FailureError(fail('not-found', 'There is no such proposal.').failure);
    const { operatorId } = c.var.operator;
    const said = { proposalId: id, ...c.req.valid('json') };
    const key = c.req.valid('header')['idempotency-key'];
    const order = { ...said, operatorId, key: actKeyOf('held-money-decision', operatorId, key, said) };
    return c.json(toApiProposal(await decided(db, (trx) => decideHeldMoney(trx, deps.keyRing, order))), 200);
  });
}

type HeldRow = Omit<z.infer<typeof heldOutput>, 'held' | 'confirmedAt'> & {
  readonly asset: string;
  readonly amount: string;
  readonly confirmedAt: Date;
};

async function readHeld(
  { db }: Pick<ApiDeps, 'db'>,
  brands: readonly string[] | null,
): Promise<z.infer<typeof heldOutput>[]> {
  const { rows } = await sql<HeldRow>`
    select w.id as withdrawal_id, w.player_id, w.brand, w.jurisdiction, w.asset, s.id as screening_id, s.lists,
      s.decided_by as confirmed_by, s.decided_at as confirmed_at, held.amount::text as amount,
      exists (select from payments.held_money_proposal p where p.withdrawal_id = w.id and p.state = 'proposed') as is_proposed,
      exists (select from payments.held_money_proposal p where p.withdrawal_id = w.id and p.state = 'approved'
        and p.decision = 'keep') as is_kept
    from kyc.screening s
    join payments.withdrawal w
      on w.id = case when s.subject like 'withdrawal:%' then substr(s.subject, 12)::uuid end
    cross join lateral (select coalesce(sum(l.amount), 0) as amount from payments.withdrawal_leg l
      where l.withdrawal_id = w.id and l.state = 'planned') held
    where s.state = 'confirmed' and w.state = 'parked' and held.amount > 0
      and (${brands === null}::boolean or w.brand = any (${[...(brands ?? [])]}::text[]))
    order by s.decided_at, w.id limit 200`.execute(db);
  return rows.map(({ asset, amount, confirmedAt, ...row }) => ({
    ...row,
    held: toMoneyText(BigInt(amount), asset),
    confirmedAt: confirmedAt.toISOString(),
  }));
}

const toApiProposal = (row: HeldMoneyRow): z.infer<typeof proposalOutput> => ({
  proposalId: row.id,
  withdrawalId: row.withdrawalId,
  screeningId: row.screeningId,
  playerId: row.playerId,
  brand: row.brand,
  held: toMoneyText(BigInt(row.amount), row.asset),
  ...wishOf(row),
  note: row.note,
  payloadHash: row.payloadHash.toString('hex'),
  state: proposalOutput.shape.state.parse(row.state),
  proposedBy: row.proposedBy,
  proposedAt: row.proposedAt.toISOString(),
  decidedBy: row.decidedBy,
  decisionReason: row.decisionReason,
  decidedAt: row.decidedAt?.toISOString() ?? null,
});
