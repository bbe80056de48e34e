/** Balances as of an instant and statements of a period, for the player and for operators. */
import { createRoute, z } from '@hono/zod-openapi';
import { balancesAt, resolvePeriod, type PoolStanding } from '#activities/wallet/balances-at.ts';
import { isStatementCursor, readStatement, type Statement } from '#activities/wallet/statement.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { quantisePayable, toMoneyText, type Units } from '#domain/money.ts';
import type { Pool } from '#domain/wallet/chart.ts';
import type { Api } from '../app.ts';
import { maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { requirePlayer } from '../pam-guard.ts';
import { json } from '../payments/payment-schemas.ts';
import { problemResponses } from '../problem.ts';
import { moneyOutput, pageQuery } from '../schemas.ts';
import { assetInput, instantInput, ledgerInstant, poolBalance, poolName } from './schemas.ts';

const periodDaysMax = 366;

const balanceOutput = z
  .strictObject({
    asset: z.string(),
    cash: z.string(),
    bonus: z.string(),
    held: z.string(),
    receivable: z.string().openapi({ description: 'What the player owes, as a negative amount.' }),
    payable: z.string().openapi({
      description:
        'Cash rounded down to the smallest amount that can be paid out. The residue stays in cash.',
    }),
  })
  .openapi('WalletBalance');

const balancesOutput = z
  .strictObject({ at: ledgerInstant, items: z.array(balanceOutput) })
  .openapi('WalletBalances');

const statementQuery = pageQuery.extend({
  after: z.string().refine(isStatementCursor, 'must be the `next` of the page before').optional(),
  asset: assetInput,
  from: instantInput,
  to: instantInput.optional().openapi({
    description: 'The first instant after the period; now at the latest, and now when it is not sent.',
  }),
});

const lineOutput = z
  .strictObject({
    journalId: z.uuid(),
    code: z.string(),
    account: poolName,
    seq: z.string().openapi({ description: 'Without gaps within an account.' }),
    amount: moneyOutput,
    balanceAfter: moneyOutput,
    hash: z.string().openapi({ description: 'SHA-256 in hex over the previous hash and this entry.' }),
    occurredAt: ledgerInstant,
    reason: z.string().nullable().openapi({ description: 'Why, where a person decided it.' }),
  })
  .openapi('StatementLine');

const statementOutput = z
  .strictObject({
    asset: z.string(),
    from: ledgerInstant,
    to: ledgerInstant,
    opening: z.array(poolBalance),
    closing: z.array(poolBalance),
    totals: z
      .array(
        z
          .strictObject({ code: z.string(), account: poolName, entries: z.int(), amount: moneyOutput })
          .openapi('StatementTotal'),
      )
      .nullable()
      .openapi({
        description:
          'Of the whole period, by journal code and account; with the first page only, and of at most 250,000 entries.',
      }),
    items: z.array(lineOutput),
    next: z.string().nullable(),
  })
  .openapi('Statement');

const playerFailures = [
  'invalid-request',
  'not-authenticated',
  'session-expired',
  'player-blocked',
  'dependency-unavailable',
] as const;
const operatorFailures = [
  'invalid-request',
  'not-authenticated',
  'forbidden',
  'not-found',
  'dependency-unavailable',
] as const;
const ofPlayer = z.object({ playerId: z.uuid() });
const atQuery = z.strictObject({
  at: instantInput.optional().openapi({
    description: 'As of this instant, entries of that very microsecond included; now when it is not sent.',
  }),
});

export function mountStatement(api: Api, deps: ApiDeps): void {
  mountBalances(api, deps);
  mountStatements(api, deps);
}

function mountBalances(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/wallet/balances',
      operationId: 'getMyBalancesAt',
      tags: ['wallet'],
      summary: 'The signed-in player’s balances, now or as of an instant',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { query: atQuery },
      responses: { 200: json(balancesOutput, 'One entry per asset'), ...problemResponses(...playerFailures) },
    }),
    async (c) =>
      c.json(await answerBalances(deps.db, c.get('player').playerId, c.req.valid('query').at), 200),
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/players/{playerId}/balances',
      operationId: 'getPlayerBalancesAt',
      tags: ['wallet'],
      summary: 'A player’s balances, now or as of an instant',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      request: { params: ofPlayer, query: atQuery },
      responses: {
        200: json(balancesOutput, 'One entry per asset'),
        ...problemResponses(...operatorFailures),
      },
    }),
    async (c) => {
      const { playerId } = c.req.valid('param');
      await requirePlayerInScope(deps.db, c.get('operator'), playerId);
      return c.json(await answerBalances(deps.db, playerId, c.req.valid('query').at), 200);
    },
  );
}

async function answerBalances(
  db: Database,
  playerId: string,
  at: string | undefined,
): Promise<z.infer<typeof balancesOutput>> {
  const { at: meant, wallets } = await balancesAt(db, playerId, at ?? null);
  const items = [...wallets].map(([asset, standings]) => {
    const of = (pool: Pool): Units => standings.find(({ account }) => account === pool)?.balance ?? 0n;
    const text = (units: Units): string => toMoneyText(units, asset).amount;
    return {
      asset,
      cash: text(of('cash')),
      bonus: text(of('bonus')),
      held: text(of('held')),
      receivable: text(of('receivable')),
      payable: text(quantisePayable(of('cash'), asset).payable),
    };
  });
  return { at: meant, items };
}

function mountStatements(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/wallet/statement',
      operationId: 'getMyStatement',
      tags: ['wallet'],
      summary: 'The signed-in player’s statement of a period of at most 366 days',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { query: statementQuery },
      responses: {
        200: json(statementOutput, 'A page of the statement, oldest entries first'),
        ...problemResponses(...playerFailures, 'wallet-not-found'),
      },
    }),
    async (c) => c.json(await answerStatement(deps.db, c.get('player').playerId, c.req.valid('query')), 200),
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/players/{playerId}/statement',
      operationId: 'getPlayerStatement',
      tags: ['wallet'],
      summary: 'A player’s statement of a period of at most 366 days',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      request: { params: ofPlayer, query: statementQuery },
      responses: {
        200: json(statementOutput, 'A page of the statement, oldest entries first'),
        ...problemResponses(...operatorFailures, 'wallet-not-found'),
      },
    }),
    async (c) => {
      const { playerId } = c.req.valid('param');
      await requirePlayerInScope(deps.db, c.get('operator'), playerId);
      return c.json(await answerStatement(deps.db, playerId, c.req.valid('query')), 200);
    },
  );
}

async function answerStatement(
  db: Database,
  playerId: string,
  query: z.infer<typeof statementQuery>,
): Promise<z.infer<typeof statementOutput>> {
  const { from, to, days } = await resolvePeriod(db, { from: query.from, to: query.to ?? null });
  if (days < 0 || days > periodDaysMax) {
    throw new FailureError(
      fail('invalid-request', `A period ends after it begins and is at most ${periodDaysMax} days long.`)
        .failure,
    );
  }
  const { asset, limit } = query;
  const cursor = query.after ?? null;
  const statement = await readStatement(db, { playerId, asset, from, to, limit, cursor });
  if (!statement) throw new FailureError(fail('wallet-not-found', `There is no ${asset} wallet.`).failure);
  return toApiStatement(statement, asset, from, to);
}

function toApiStatement(
  statement: Statement,
  asset: string,
  from: string,
  to: string,
): z.infer<typeof statementOutput> {
  const standing = ({ account, seq, balance }: PoolStanding) => ({
    account,
    seq: String(seq),
    balance: toMoneyText(balance, asset),
  });
  return {
    asset,
    from,
    to,
    opening: statement.opening.map(standing),
    closing: statement.closing.map(standing),
    totals:
      statement.totals?.map((total) => ({ ...total, amount: toMoneyText(total.amount, asset) })) ?? null,
    items: statement.lines.map((line) => ({
      ...line,
      seq: String(line.seq),
      amount: toMoneyText(line.amount, asset),
      balanceAfter: toMoneyText(line.balanceAfter, asset),
    })),
    next: statement.next,
  };
}

async function requirePlayerInScope(
  db: Database,
  operator: OperatorIdentity,
  playerId: string,
): Promise<void> {
  const wallet = await db
    .selectFrom('wallet.playerWallet')
    .select('brand')
    .where('playerId', '=', playerId)
    .executeTakeFirst();
  if (!wallet || !maySee(operator, wallet.brand))
    throw new FailureError(fail('not-found', 'There is no such player.').failure);
}
