/** The ledger as a proof surface: trial balance, entries with their chain, the journal of any transaction id. */
import { createRoute, z } from '@hono/zod-openapi';
import { assets } from '#domain/assets.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { formatDecimal } from '#domain/money.ts';
import { accountName, chart } from '#domain/wallet/chart.ts';
import type { Api } from './app.ts';
import { brandScope, maySee, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { requirePlayer } from './pam-guard.ts';
import { problemResponses } from './problem.ts';
import { moneyOutput, pageOf, pageQuery, timestamp } from './schemas.ts';
import { mountAdjustments } from './wallet/adjustments.ts';
import { mountExchanges } from './wallet/exchanges.ts';
import { mountHolds } from './wallet/holds.ts';
import { mountRateProposals } from './wallet/rate-proposals.ts';
import { mountRates } from './wallet/rates.ts';
import { trialBalance } from './wallet/trial-balance.ts';
import { mountStatement } from './wallet/statement.ts';
import { mountLedgerAudits } from './wallet/ledger-audits.ts';
import { mountLedgerProofs } from './wallet/ledger-proofs.ts';

const readFailures = ['invalid-request', 'not-authenticated', 'forbidden', 'dependency-unavailable'] as const;
const moneyOf = (units: string | bigint, asset: string) => ({
  amount: formatDecimal(
    BigInt(units),
    assets.get(asset)?.ledgerScale ?? 12,
    assets.get(asset)?.payableScale ?? 2,
  ),
  asset,
});

const trialLine = z
  .strictObject({ account: z.string(), balance: moneyOutput, entries: z.int() })
  .openapi('TrialBalanceLine');

const entrySchema = z
  .strictObject({
    journalId: z.uuid(),
    code: z.string(),
    account: z.string(),
    seq: z.string().openapi({ description: 'Without gaps, starting at 1.' }),
    amount: moneyOutput,
    balanceAfter: moneyOutput,
    hash: z.string().openapi({ description: 'SHA-256 in hex over the previous hash and this entry.' }),
    occurredAt: timestamp,
  })
  .openapi('LedgerEntry');

const journalSchema = z
  .strictObject({
    id: z.uuid(),
    code: z.string(),
    integration: z.string(),
    externalId: z.string(),
    playerId: z.uuid().nullable(),
    round: z.string().nullable(),
    subject: z.string().nullable(),
    reverses: z.uuid().nullable(),
    answers: z.uuid().nullable().openapi({
      description:
        'The bet of a win, the capture of a refund or chargeback, the opening of a chargeback’s end.',
    }),
    occurredAt: timestamp,
    entries: z.array(z.strictObject({ account: z.string(), amount: moneyOutput })),
    details: z.record(z.string(), z.unknown()).nullable().openapi({
      description: 'Jackpot parts, free-round facts, wagering progress (units) and the provider’s own words.',
    }),
  })
  .openapi('Journal');

export function mountWallet(api: Api, deps: ApiDeps): void {
  mountChart(api, deps);
  mountTrialBalance(api, deps);
  mountLedgerProofs(api, deps);
  mountLedgerAudits(api, deps);
  mountEntries(api, deps);
  mountJournal(api, deps);
  mountStatement(api, deps);
  mountHolds(api, deps);
  mountAdjustments(api, deps);
  mountRates(api, deps);
  mountRateProposals(api, deps);
  mountExchanges(api, deps);
}

function mountChart(api: Api, deps: ApiDeps): void {
  const account = z
    .strictObject({
      account: z.string(),
      normalSide: z.enum(['credit', 'debit']),
      belowZero: z.boolean(),
      meaning: z.string(),
    })
    .openapi('Account');
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/accounts',
      operationId: 'listAccounts',
      tags: ['wallet'],
      summary: 'The chart of accounts',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      responses: {
        200: {
          description: 'Every account',
          content: { 'application/json': { schema: pageOf(account, 'ChartOfAccounts') } },
        },
        ...problemResponses(...readFailures),
      },
    }),
    (c) => c.json({ items: [...chart], next: null }, 200),
  );
}

function mountTrialBalance(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/trial-balance',
      operationId: 'getTrialBalance',
      tags: ['wallet'],
      summary: 'Balance of every account per asset; the totals are zero',
      description:
        'An operator who is limited to brands gets the sums of their journals. Each journal balances and is of one brand, so these totals are zero, too.',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      responses: {
        200: {
          description: 'Credit-positive balances',
          content: {
            'application/json': {
              schema: z
                .strictObject({
                  lines: z.array(trialLine),
                  totals: z.array(moneyOutput),
                  balanced: z.boolean(),
                })
                .openapi('TrialBalance'),
            },
          },
        },
        ...problemResponses(...readFailures),
      },
    }),
    async (c) => {
      const rows = await trialBalance(deps.db, brandScope(c.get('operator')));
      const totals = new Map<string, bigint>();
      for (const row of rows)
        totals.set(row.asset ?? '', (totals.get(row.asset ?? '') ?? 0n) + BigInt(row.balance ?? 0));
      return c.json(
        {
          lines: rows.map((row) => ({
            account: row.account ?? '',
            balance: moneyOf(row.balance ?? '0', row.asset ?? ''),
            entries: Number(row.entries),
          })),
          totals: [...totals].map(([asset, units]) => moneyOf(units, asset)),
          balanced: [...totals.values()].every((units) => units === 0n),
        },
        200,
      );
    },
  );
}

const poolName = z.enum(['cash', 'bonus', 'held', 'receivable']);
const entriesQuery = pageQuery.extend({
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  asset: z
    .string()
    .regex(/^[A-Z]{3,10}$/)
    .openapi({ example: 'EUR' }),
  account: poolName.default('cash'),
});

function mountEntries(api: Api, deps: ApiDeps): void {
  const entriesOf = async (playerId: string, query: z.infer<typeof entriesQuery>) => {
    const rows = await deps.db
      .selectFrom('wallet.entry as e')
      .innerJoin('wallet.journal as j', 'j.id', 'e.journalId')
      .select([
        'e.journalId',
        'j.code',
        'e.account',
        'e.seq',
        'e.amount',
        'e.balanceAfter',
        'e.hash',
        'j.occurredAt',
      ])
      .where('e.playerId', '=', playerId)
      .where('e.asset', '=', query.asset)
      .where('e.account', '=', query.account)
      .where('e.seq', '>', BigInt(query.after ?? '0'))
      .orderBy('e.seq')
      .limit(query.limit + 1)
      .execute();
    const items = rows.slice(0, query.limit).map((row) => ({
      journalId: row.journalId,
      code: row.code,
      account: accountName(row.account, playerId),
      seq: String(row.seq),
      amount: moneyOf(row.amount, query.asset),
      balanceAfter: moneyOf(row.balanceAfter ?? '0', query.asset),
      hash: row.hash?.toString('hex') ?? '',
      occurredAt: row.occurredAt.toISOString(),
    }));
    return { items, next: rows.length > query.limit ? (items.at(-1)?.seq ?? null) : null };
  };

  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/wallet/entries',
      operationId: 'listMyEntries',
      tags: ['wallet'],
      summary: 'The signed-in player’s own entries of one account, oldest first',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { query: entriesQuery },
      responses: {
        200: {
          description: 'Entries',
          content: { 'application/json': { schema: pageOf(entrySchema, 'LedgerEntryPage') } },
        },
        ...problemResponses(
          'invalid-request',
          'not-authenticated',
          'session-expired',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => c.json(await entriesOf(c.get('player').playerId, c.req.valid('query')), 200),
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/players/{playerId}/entries',
      operationId: 'listEntries',
      tags: ['wallet'],
      summary: 'Entries of a player’s account with sequence, balance and hash, oldest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      request: { params: z.object({ playerId: z.uuid() }), query: entriesQuery },
      responses: {
        200: {
          description: 'Entries',
          content: { 'application/json': { schema: pageOf(entrySchema, 'LedgerEntryPage') } },
        },
        ...problemResponses(...readFailures, 'not-found'),
      },
    }),
    async (c) => {
      const { playerId } = c.req.valid('param');
      const wallet = await deps.db
        .selectFrom('wallet.playerWallet')
        .select('brand')
        .where('playerId', '=', playerId)
        .executeTakeFirst();
      if (!wallet || !maySee(c.get('operator'), wallet.brand))
        throw new FailureError(fail('not-found', 'There is no such player.').failure);
      return c.json(await entriesOf(playerId, c.req.valid('query')), 200);
    },
  );
}

function mountJournal(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/ledger/journals/{integration}/{externalId}',
      operationId: 'getJournal',
      tags: ['wallet'],
      summary: 'The journal of an external transaction id',
      description:
        'Journals of our own processes have the integration `pitboss` and keys such as `deposit:{id}:capture`.',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'wallet:ledger:read')] as const,
      request: { params: z.object({ integration: z.string().max(40), externalId: z.string().max(255) }) },
      responses: {
        200: {
          description: 'Journal with all its entries',
          content: { 'application/json': { schema: journalSchema } },
        },
        ...problemResponses(...readFailures, 'not-found'),
      },
    }),
    async (c) => {
      const { integration, externalId } = c.req.valid('param');
      const journal = await deps.db
        .selectFrom('wallet.journal')
        .selectAll()
        .where('integration', '=', integration)
        .where('externalId', '=', externalId)
        .executeTakeFirst();
      if (!journal || !maySee(c.get('operator'), journal.brand))
        throw new FailureError(fail('not-found', 'There is no such transaction.').failure);
      const entries = await deps.db
        .selectFrom('wallet.entry')
        .select(['account', 'playerId', 'amount', 'asset'])
        .where('journalId', '=', journal.id)
        .orderBy('line')
        .execute();
      return c.json(
        {
          id: journal.id,
          code: journal.code,
          integration: journal.integration,
          externalId: journal.externalId,
          playerId: journal.playerId,
          round: journal.roundRef,
          subject: journal.subject,
          reverses: journal.reverses,
          answers: journal.answers,
          occurredAt: journal.occurredAt.toISOString(),
          entries: entries.map((entry) => ({
            account: accountName(entry.account, entry.playerId),
            amount: moneyOf(entry.amount, entry.asset),
          })),
          details: journal.details as Record<string, unknown> | null,
        },
        200,
      );
    },
  );
}
