/** Players as staff see them: found by id or exact address, masked unless the role may see more, locked with a reason. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { lockPlayer, unlockPlayer } from '#activities/pam/commands/player-lock.ts';
import {
  personalDataErasedAt,
  readPersonalData,
  revealPersonalData,
} from '#activities/pam/commands/personal-data.ts';
import { mayDo } from '#domain/backoffice/roles.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { maskDate, maskEmail, maskName } from '#domain/pam/masking.ts';
import { normaliseEmail } from '#domain/pam/sessions.ts';
import type { Api } from '../app.ts';
import { brandScope, maySee, requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps, OperatorIdentity } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { idParam, pageOf, pageQuery, timestamp } from '../schemas.ts';
import { brandId, emailAddress, playerStatus, reasonText } from './schemas.ts';

const summaryShape = {
  id: z.uuid(),
  brand: z.string(),
  jurisdiction: z.string(),
  country: z.string(),
  currency: z.string(),
  status: playerStatus,
  emailVerifiedAt: timestamp.nullable(),
  registeredAt: timestamp,
};
const summary = z.strictObject(summaryShape).openapi('PlayerSummary');
const detail = z
  .strictObject({
    ...summaryShape,
    jurisdictionVersion: z.int(),
    termsVersion: z.int(),
    affiliateCode: z.string().nullable(),
    masked: z.boolean(),
    email: z.string().nullable(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    dateOfBirth: z.string().nullable(),
    personalDataErasedAt: timestamp.nullable().openapi({
      description: 'From then on address, name and date of birth are null: nobody can read them any more.',
    }),
    openSessions: z.int(),
    lock: z.strictObject({ reason: z.string(), operatorId: z.uuid(), lockedAt: timestamp }).nullable(),
  })
  .openapi('PlayerDetail');

const search = pageQuery.extend({
  brand: brandId.optional(),
  email: emailAddress.optional().openapi({ description: 'Exact; found by its blind index.' }),
  id: z.uuid().optional(),
  status: playerStatus.optional(),
  after: z.uuid().optional(),
});

const guarded = ['not-authenticated', 'session-expired', 'forbidden', 'dependency-unavailable'] as const;

export function mountAdminPlayers(api: Api, deps: ApiDeps): void {
  mountSearch(api, deps);
  mountDetail(api, deps);
  mountLock(api, deps, 'lock');
  mountLock(api, deps, 'unlock');
}

function mountSearch(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/players',
      operationId: 'searchPlayers',
      tags: ['pam'],
      summary: 'Players, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'pam:player:read')] as const,
      request: { query: search },
      responses: {
        200: {
          description: 'A page',
          content: { 'application/json': { schema: pageOf(summary, 'PlayerPage') } },
        },
        ...problemResponses('invalid-request', ...guarded),
      },
    }),
    async (c) => {
      const { limit, after, brand, email, id, status } = c.req.valid('query');
      const brands = brandScope(c.get('operator'));
      const rows = await deps.db
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
        .$if(brands !== null, (query) => query.where('brand', 'in', brands?.length ? [...brands] : ['']))
        .$if(brand !== undefined, (query) => query.where('brand', '=', brand ?? ''))
        .$if(id !== undefined, (query) => query.where('id', '=', id ?? ''))
        .$if(status !== undefined, (query) => query.where('status', '=', status ?? ''))
        .$if(email !== undefined, (query) =>
          query.where('emailIndex', '=', deps.keyRing.blindIndex(normaliseEmail(email ?? ''))),
        )
        .$if(after !== undefined, (query) =>
          query.where(
            sql<boolean>`(registered_at, id) < (select p.registered_at, p.id from pam.player p where p.id = ${after})`,
          ),
        )
        .orderBy('registeredAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(present);
      return c.json({ items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }, 200);
    },
  );
}

type SummaryRow = { status: string; emailVerifiedAt: Date | null; registeredAt: Date };

const present = <T extends SummaryRow>(row: T) => ({
  ...row,
  status: playerStatus.parse(row.status),
  emailVerifiedAt: row.emailVerifiedAt?.toISOString() ?? null,
  registeredAt: row.registeredAt.toISOString(),
});

function mountDetail(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/players/{id}',
      operationId: 'getPlayer',
      tags: ['pam'],
      summary: 'One player; personal data masked without pam:pii:read, and on record with it',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'pam:player:read')] as const,
      request: { params: idParam },
      responses: {
        200: { description: 'The player', content: { 'application/json': { schema: detail } } },
        ...problemResponses('invalid-request', 'not-found', ...guarded),
      },
    }),
    async (c) => {
      const operator = c.get('operator');
      const player = await readPlayer(deps, c.req.valid('param').id, operator);
      const erasedAt = await personalDataErasedAt(deps.db, player.id);
      const person = await personalDataFor(deps, operator, player);
      c.header('Cache-Control', 'no-store');
      return c.json(
        { ...present(player), ...person, personalDataErasedAt: erasedAt?.toISOString() ?? null },
        200,
      );
    },
  );
}

async function readPlayer(deps: ApiDeps, id: string, operator: OperatorIdentity) {
  const player = await deps.db
    .selectFrom('pam.player as p')
    .select([
      'p.id',
      'p.brand',
      'p.jurisdiction',
      'p.jurisdictionVersion',
      'p.country',
      'p.currency',
      'p.status',
    ])
    .select(['p.emailVerifiedAt', 'p.registeredAt', 'p.termsVersion', 'p.affiliateCode'])
    .select(
      sql<number>`(select count(*)::int from pam.session s where s.player_id = p.id and s.revoked_at is null
        and s.expires_at > now() and s.idle_expires_at > now())`.as('openSessions'),
    )
    .where('p.id', '=', id)
    .executeTakeFirst();
  if (!player || !maySee(operator, player.brand))
    throw new FailureError(fail('not-found', 'There is nothing at this address.').failure);
  const lock = await deps.db
    .selectFrom('pam.playerLock')
    .select(['reason', 'operatorId', 'lockedAt'])
    .where('playerId', '=', id)
    .where('unlockedAt', 'is', null)
    .executeTakeFirst();
  return { ...player, lock: lock ? { ...lock, lockedAt: lock.lockedAt.toISOString() } : null };
}

async function personalDataFor(
  deps: ApiDeps,
  operator: OperatorIdentity,
  player: { id: string; brand: string },
) {
  if (mayDo(operator.roles, 'pam:pii:read')) {
    const { general, aml } = await revealPersonalData(deps, {
      playerId: player.id,
      brand: player.brand,
      operatorId: operator.operatorId,
    });
    return {
      masked: false,
      email: general?.email ?? null,
      firstName: aml?.firstName ?? null,
      lastName: aml?.lastName ?? null,
      dateOfBirth: aml?.dateOfBirth ?? null,
    };
  }
  const { general, aml } = await readPersonalData(deps, player.id);
  return {
    masked: true,
    email: general && maskEmail(general.email),
    firstName: aml && maskName(aml.firstName),
    lastName: aml && maskName(aml.lastName),
    dateOfBirth: aml && maskDate(aml.dateOfBirth),
  };
}

function mountLock(api: Api, deps: ApiDeps, action: 'lock' | 'unlock'): void {
  const locks = action === 'lock';
  const command = locks ? lockPlayer : unlockPlayer;
  const reason = z.strictObject({ reason: reasonText }).openapi('LockReason');
  const outcome = z.strictObject({ id: z.uuid(), status: playerStatus }).openapi('LockOutcome');
  api.openapi(
    createRoute({
      method: 'post',
      path: locks ? '/admin/v1/players/{id}/lock' : '/admin/v1/players/{id}/unlock',
      operationId: locks ? 'lockPlayer' : 'unlockPlayer',
      tags: ['pam'],
      summary: locks ? 'Lock an account: sessions end, no bet is admitted' : 'Lift the lock; exclusions stay',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'pam:player:lock')] as const,
      request: {
        params: idParam,
        body: { required: true, content: { 'application/json': { schema: reason } } },
      },
      responses: {
        200: { description: 'The account now', content: { 'application/json': { schema: outcome } } },
        ...problemResponses('invalid-request', 'malformed-json', 'not-found', 'player-blocked', ...guarded),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const operator = c.get('operator');
      await readPlayer(deps, id, operator);
      const { status } = orThrow(
        await command(deps.db, {
          playerId: id,
          operatorId: operator.operatorId,
          reason: c.req.valid('json').reason,
        }),
      );
      return c.json({ id, status: playerStatus.parse(status) }, 200);
    },
  );
}
