/** What a player sees of the own account. */
import { createRoute, z } from '@hono/zod-openapi';
import { readPersonalData } from '#activities/pam/commands/personal-data.ts';
import { readBalances } from '#activities/wallet/player-wallet.ts';
import { toMoneyText } from '#domain/money.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { requirePlayer } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { timestamp } from '../schemas.ts';
import { playerStatus } from './schemas.ts';

const account = z
  .strictObject({
    id: z.uuid(),
    brand: z.string(),
    jurisdiction: z.string(),
    country: z.string(),
    currency: z.string(),
    status: playerStatus,
    email: z.string().nullable(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    dateOfBirth: z.string().nullable(),
    emailVerifiedAt: timestamp.nullable(),
    registeredAt: timestamp,
    termsVersion: z.int(),
  })
  .openapi('Player');

const balances = z
  .strictObject({
    items: z.array(
      z.strictObject({
        asset: z.string(),
        cash: z.string().openapi({ description: 'Withdrawable.' }),
        bonus: z.string().openapi({ description: 'Under wagering.' }),
        held: z.string().openapi({ description: 'Reserved for withdrawals.' }),
        receivable: z.string().openapi({ description: 'What the player owes, zero or negative.' }),
      }),
    ),
  })
  .openapi('Balances');

const guarded = ['not-authenticated', 'session-expired', 'player-blocked', 'dependency-unavailable'] as const;

export function mountAccount(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/players/me',
      operationId: 'getMe',
      tags: ['pam'],
      summary: 'The own account',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      responses: {
        200: { description: 'The account', content: { 'application/json': { schema: account } } },
        ...problemResponses(...guarded),
      },
    }),
    async (c) => {
      const { playerId } = c.get('player');
      const row = await deps.db
        .selectFrom('pam.player')
        .select([
          'id',
          'brand',
          'jurisdiction',
          'country',
          'currency',
          'status',
          'emailVerifiedAt',
          'registeredAt',
        ])
        .select('termsVersion')
        .where('id', '=', playerId)
        .executeTakeFirstOrThrow();
      const { general, aml } = await readPersonalData(deps, playerId);
      c.header('Cache-Control', 'no-store');
      return c.json(
        {
          ...row,
          status: playerStatus.parse(row.status),
          email: general?.email ?? null,
          firstName: aml?.firstName ?? null,
          lastName: aml?.lastName ?? null,
          dateOfBirth: aml?.dateOfBirth ?? null,
          emailVerifiedAt: row.emailVerifiedAt?.toISOString() ?? null,
          registeredAt: row.registeredAt.toISOString(),
        },
        200,
      );
    },
  );
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/players/me/balances',
      operationId: 'getMyBalances',
      tags: ['pam'],
      summary: 'The own balances',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      responses: {
        200: { description: 'One entry per asset', content: { 'application/json': { schema: balances } } },
        ...problemResponses(...guarded),
      },
    }),
    async (c) => {
      const rows = await readBalances(deps.db, c.get('player').playerId);
      const items = rows.map((row) => ({
        asset: row.asset,
        cash: toMoneyText(row.cash, row.asset).amount,
        bonus: toMoneyText(row.bonus, row.asset).amount,
        held: toMoneyText(row.held, row.asset).amount,
        receivable: toMoneyText(row.receivable, row.asset).amount,
      }));
      return c.json({ items }, 200);
    },
  );
}
