/** Sessions of players: opened with a password, listed and ended by their owner. */
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { setCookie, deleteCookie } from 'hono/cookie';
import { revokeSession } from '#activities/pam/commands/sessions.ts';
import { signIn } from '#activities/pam/commands/sign-in.ts';
import { orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { requirePlayer, sessionCookieName } from '../pam-guard.ts';
import { problemResponses } from '../problem.ts';
import { originOf } from '../request-origin.ts';
import { idParam, pageOf, timestamp } from '../schemas.ts';
import { brandId, emailAddress } from './schemas.ts';

const signInInput = z
  .strictObject({
    brand: brandId,
    email: emailAddress,
    password: z.string().min(1).max(256),
    deviceId: z.uuid().optional().openapi({ description: 'The key that an earlier sign-in answered with.' }),
  })
  .openapi('SignIn');

const opened = z
  .strictObject({
    token: z.string().openapi({ description: 'Shown once; send it as a bearer token.' }),
    sessionId: z.uuid(),
    playerId: z.uuid(),
    deviceId: z.uuid(),
    expiresAt: timestamp,
  })
  .openapi('OpenedSession');

const session = z
  .strictObject({
    id: z.uuid(),
    current: z.boolean(),
    deviceId: z.uuid(),
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    openedAt: timestamp,
    seenAt: timestamp,
    expiresAt: timestamp,
  })
  .openapi('Session');

const guarded = ['not-authenticated', 'session-expired', 'player-blocked', 'dependency-unavailable'] as const;

export function mountSessions(api: Api, deps: ApiDeps): void {
  mountSignIn(api, deps);
  mountList(api, deps);
  mountEnd(api, deps);
}

function mountSignIn(api: Api, deps: ApiDeps): void {
  const secure = deps.config.api.publicUrl.startsWith('https://');
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/sessions',
      operationId: 'openSession',
      tags: ['pam'],
      summary: 'Sign in',
      request: { body: { required: true, content: { 'application/json': { schema: signInInput } } } },
      responses: {
        201: { description: 'Signed in', content: { 'application/json': { schema: opened } } },
        ...problemResponses(
          'invalid-request',
          'malformed-json',
          'unsupported-media-type',
          'invalid-credentials',
          'email-not-verified',
          'player-blocked',
          'too-many-requests',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { deviceId = null, ...input } = c.req.valid('json');
      const result = orThrow(await signIn(deps, { ...input, deviceId, ...originOf(c) }));
      // Browsers refuse the prefix without TLS, so a plain-http deployment has bearer tokens only.
      if (secure) {
        setCookie(c, sessionCookieName, result.token, {
          path: '/',
          secure: true,
          httpOnly: true,
          sameSite: 'Lax',
          expires: result.expiresAt,
        });
      }
      c.header('Cache-Control', 'no-store');
      return c.json({ ...result, expiresAt: result.expiresAt.toISOString() }, 201);
    },
  );
}

function mountList(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/sessions',
      operationId: 'listSessions',
      tags: ['pam'],
      summary: 'Open sessions of the player',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      responses: {
        200: {
          description: 'Newest first, at most 200',
          content: { 'application/json': { schema: pageOf(session, 'SessionPage') } },
        },
        ...problemResponses(...guarded),
      },
    }),
    async (c) => {
      const { playerId, sessionId } = c.get('player');
      const rows = await deps.db
        .selectFrom('pam.session')
        .select(['id', 'deviceId', 'ip', 'userAgent', 'openedAt', 'seenAt', 'expiresAt'])
        .where('playerId', '=', playerId)
        .where('revokedAt', 'is', null)
        .where(sql<boolean>`expires_at > now() and idle_expires_at > now()`)
        .orderBy('openedAt', 'desc')
        .limit(200)
        .execute();
      const items = rows.map((row) => ({
        ...row,
        current: row.id === sessionId,
        openedAt: row.openedAt.toISOString(),
        seenAt: row.seenAt.toISOString(),
        expiresAt: row.expiresAt.toISOString(),
      }));
      return c.json({ items, next: null }, 200);
    },
  );
}

function mountEnd(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/sessions/current',
      operationId: 'signOut',
      tags: ['pam'],
      summary: 'Sign out',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      responses: {
        204: { description: 'Signed out; game sessions end too' },
        ...problemResponses(...guarded),
      },
    }),
    async (c) => {
      const { playerId, sessionId } = c.get('player');
      await revokeSession(deps.db, {
        playerId,
        sessionId,
        reason: 'signed-out',
        actor: { kind: 'player', id: playerId },
      });
      if (deps.config.api.publicUrl.startsWith('https://')) {
        deleteCookie(c, sessionCookieName, { path: '/', secure: true });
      }
      return c.body(null, 204);
    },
  );
  api.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/sessions/{id}',
      operationId: 'revokeSession',
      tags: ['pam'],
      summary: 'End another session of the player',
      security: [{ playerSession: [] }],
      middleware: [requirePlayer(deps)] as const,
      request: { params: idParam },
      responses: {
        204: { description: 'Ended; game sessions end too' },
        ...problemResponses('invalid-request', 'not-found', ...guarded),
      },
    }),
    async (c) => {
      const { playerId } = c.get('player');
      orThrow(
        await revokeSession(deps.db, {
          playerId,
          sessionId: c.req.valid('param').id,
          reason: 'revoked-by-player',
          actor: { kind: 'player', id: playerId },
        }),
      );
      return c.body(null, 204);
    },
  );
}
