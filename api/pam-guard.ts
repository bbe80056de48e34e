/** Lets a request through as a player: by bearer token, or by the session cookie of a browser on our own origin. */
import { createMiddleware } from 'hono/factory';
import { getCookie } from 'hono/cookie';
import type { Context } from 'hono';
import { resolveSession } from '#activities/pam/commands/sessions.ts';
import { hashToken, isTokenForm } from '#activities/tokens.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { ApiDeps, ApiEnv } from './context.ts';
import { logOf } from './request-start.ts';

export const sessionCookieName = '__Host-pitboss';

type GuardDeps = Pick<ApiDeps, 'db' | 'config'>;

/** Sets c.var.player. Refuses with `not-authenticated`, `session-expired`, `player-blocked`, `forbidden` (origin). */
export const requirePlayer = (deps: GuardDeps) =>
  createMiddleware<ApiEnv>(async (c, next) => {
    const token = bearerToken(c) ?? cookieToken(c, deps.config.api.publicUrl);
    if (token === undefined || !isTokenForm(token)) {
      c.header('WWW-Authenticate', 'Bearer');
      throw new FailureError(fail('not-authenticated', 'Send the session token as a bearer token.').failure);
    }
    const owner = orThrow(await resolveSession(deps.db, hashToken(token)));
    c.set('player', owner);
    c.set('log', logOf(c).child({ playerId: owner.playerId }));
    await next();
  });

/** The bearer token of a request, if it sends one. */
export function bearerToken(c: Context): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(c.req.header('authorization') ?? '')?.[1];
}

/** A cookie travels by itself, so a change that comes with it must come from our own origin. */
function cookieToken(c: Context, publicUrl: string): string | undefined {
  const token = getCookie(c, sessionCookieName);
  if (token === undefined) return undefined;
  const safe = c.req.method === 'GET' || c.req.method === 'HEAD';
  if (!safe && c.req.header('origin') !== new URL(publicUrl).origin) {
    throw new FailureError(fail('forbidden', 'A change by cookie must come from our own origin.').failure);
  }
  return token;
}
