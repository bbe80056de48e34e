/** A new password by a link in a mail: as JSON for front ends, as a page for the link itself. */
import { createRoute, z } from '@hono/zod-openapi';
import { completePasswordReset, requestPasswordReset } from '#activities/pam/commands/password-reset.ts';
import { hashToken, isTokenForm } from '#activities/tokens.ts';
import { orThrow } from '#domain/failures.ts';
import { passwordLengthMax } from '#domain/pam/registration.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { plainPageHeaders } from '../plain-page.ts';
import { newPasswordPage, passwordOutcomePage } from './password-page.ts';
import { brandId, emailAddress, linkToken } from './schemas.ts';

const requestInput = z.strictObject({ brand: brandId, email: emailAddress }).openapi('PasswordResetRequest');
const resetInput = z
  .strictObject({
    token: linkToken,
    password: z
      .string()
      .min(1)
      .max(passwordLengthMax * 4),
  })
  .openapi('PasswordReset');
const done = (description: string, name: string) => ({
  description,
  content: { 'application/json': { schema: z.strictObject({}).openapi(name) } },
});
const bodyFailures = [
  'invalid-request',
  'malformed-json',
  'unsupported-media-type',
  'body-too-large',
  'dependency-unavailable',
] as const;

export function mountPasswordReset(api: Api, deps: ApiDeps): void {
  mountRequest(api, deps);
  mountComplete(api, deps);
  mountPages(api, deps);
}

function mountRequest(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/players/password-resets',
      operationId: 'requestPasswordReset',
      tags: ['pam'],
      summary: 'Ask for a mail with a link to a new password',
      description: 'The answer is the same whether or not the address has an account.',
      request: { body: { required: true, content: { 'application/json': { schema: requestInput } } } },
      responses: {
        202: done('Taken', 'PasswordResetTaken'),
        ...problemResponses(...bodyFailures, 'too-many-requests'),
      },
    }),
    async (c) => {
      orThrow(await requestPasswordReset(deps, { ...c.req.valid('json'), ip: clientAddress(c) }));
      return c.json({}, 202);
    },
  );
}

function mountComplete(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/players/reset-password',
      operationId: 'resetPassword',
      tags: ['pam'],
      summary: 'Set a new password with the token of the mail',
      description: 'Every session of the player ends, and a mail tells of the change.',
      request: { body: { required: true, content: { 'application/json': { schema: resetInput } } } },
      responses: {
        200: done('The new password holds', 'PasswordResetDone'),
        ...problemResponses(...bodyFailures, 'reset-link-invalid'),
      },
    }),
    async (c) => {
      const { token, password } = c.req.valid('json');
      orThrow(await completePasswordReset(deps, { tokenHash: hashToken(token), password }));
      return c.json({}, 200);
    },
  );
}

/** The link opens a form: what merely follows links, as mail scanners do, uses nothing up. */
function mountPages(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/players/reset-password',
      operationId: 'showPasswordReset',
      tags: ['pam'],
      summary: 'The page behind the link of the mail',
      request: { query: z.strictObject({ token: linkToken }) },
      responses: {
        200: { description: 'A page with a form', content: { 'text/html': { schema: z.string() } } },
        ...problemResponses('invalid-request'),
      },
    }),
    (c) => c.html(newPasswordPage(c.req.valid('query').token), 200, plainPageHeaders),
  );
  // Outside /v1, whose bodies are JSON: a form needs no script.
  api.post('/reset-password', async (c) => {
    const { token, password } = await c.req
      .parseBody()
      .catch(() => ({ token: undefined, password: undefined }));
    if (typeof token !== 'string' || !isTokenForm(token) || typeof password !== 'string')
      return c.html(passwordOutcomePage('link'), 400, plainPageHeaders);
    const result = await completePasswordReset(deps, { tokenHash: hashToken(token), password });
    if (result.ok) return c.html(passwordOutcomePage('done'), 200, plainPageHeaders);
    return result.failure.code === 'reset-link-invalid'
      ? c.html(passwordOutcomePage('link'), 400, plainPageHeaders)
      : c.html(newPasswordPage(token, result.failure.detail), 400, plainPageHeaders);
  });
}
