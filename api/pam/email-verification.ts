/** Verification of an address by the link in a mail: as JSON for front ends, as a page for the link itself. */
import { createRoute, z } from '@hono/zod-openapi';
import { verifyEmail } from '#activities/pam/commands/verify-email.ts';
import { hashToken, isTokenForm } from '#activities/tokens.ts';
import { orThrow } from '#domain/failures.ts';
import { normaliseEmail } from '#domain/pam/sessions.ts';
import { registrationStart, verificationRequested } from '#workflows/registration.contract.ts';
import type { registration } from '#workflows/registration.ts';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { isWorkflowOver } from '../workflow-failures.ts';
import { brandId, emailAddress, linkToken, playerStatus } from './schemas.ts';
import { plainPageHeaders } from '../plain-page.ts';
import { confirmPage, outcomePage } from './verification-page.ts';

const tokenInput = z.strictObject({ token: linkToken }).openapi('EmailVerification');
const verified = z.strictObject({ playerId: z.uuid(), status: playerStatus }).openapi('VerifiedPlayer');
const resendInput = z.strictObject({ brand: brandId, email: emailAddress }).openapi('VerificationResend');

export function mountEmailVerification(api: Api, deps: ApiDeps): void {
  mountVerify(api, deps);
  mountPages(api, deps);
  mountResend(api, deps);
}

function mountVerify(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/players/verify-email',
      operationId: 'verifyEmail',
      tags: ['pam'],
      summary: 'Verify the address with the token of the mail',
      request: { body: { required: true, content: { 'application/json': { schema: tokenInput } } } },
      responses: {
        200: { description: 'Verified', content: { 'application/json': { schema: verified } } },
        ...problemResponses(
          'invalid-request',
          'malformed-json',
          'unsupported-media-type',
          'verification-link-invalid',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const player = orThrow(await verifyEmail(deps.db, hashToken(c.req.valid('json').token)));
      return c.json({ playerId: player.playerId, status: playerStatus.parse(player.status) }, 200);
    },
  );
}

/** The link opens a page with a button: what merely follows links, as mail scanners do, verifies nothing. */
function mountPages(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/players/verify-email',
      operationId: 'showEmailVerification',
      tags: ['pam'],
      summary: 'The page behind the link of the mail',
      request: { query: z.strictObject({ token: linkToken }) },
      responses: {
        200: { description: 'A page with a button', content: { 'text/html': { schema: z.string() } } },
        ...problemResponses('invalid-request'),
      },
    }),
    (c) => c.html(confirmPage(c.req.valid('query').token), 200, plainPageHeaders),
  );
  // Outside /v1, whose bodies are JSON: a form needs no script.
  api.post('/verify-email', async (c) => {
    // A form that cannot be read holds no token.
    const { token } = await c.req.parseBody().catch(() => ({ token: undefined }));
    const known = typeof token === 'string' && isTokenForm(token);
    const result = known ? await verifyEmail(deps.db, hashToken(token)) : null;
    return result?.ok
      ? c.html(outcomePage('Your address is confirmed. You can sign in now.'), 200, plainPageHeaders)
      : c.html(
          outcomePage('This link is not valid any more. Ask for a new one where you registered.'),
          400,
          plainPageHeaders,
        );
  });
}

function mountResend(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/players/resend-verification',
      operationId: 'resendVerification',
      tags: ['pam'],
      summary: 'Ask for the verification mail again',
      description: 'The answer is the same whether or not the address waits for verification.',
      request: { body: { required: true, content: { 'application/json': { schema: resendInput } } } },
      responses: {
        202: {
          description: 'Taken',
          content: { 'application/json': { schema: z.strictObject({}).openapi('Taken') } },
        },
        ...problemResponses(
          'invalid-request',
          'malformed-json',
          'unsupported-media-type',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      const { brand, email } = c.req.valid('json');
      const temporal = await deps.temporal();
      const player = await deps.db
        .selectFrom('pam.player')
        .select(['id', 'jurisdiction'])
        .where('brand', '=', brand)
        .where('emailIndex', '=', deps.keyRing.blindIndex(normaliseEmail(email)))
        .where('status', '=', 'email-unverified')
        .executeTakeFirst();
      if (player) {
        const { typedSearchAttributes, ...start } = registrationStart({
          playerId: player.id,
          brand,
          jurisdiction: player.jurisdiction,
        });
        try {
          await temporal.workflow.signalWithStart<typeof registration, []>('registration', {
            ...start,
            typedSearchAttributes: new TypedSearchAttributes(typedSearchAttributes),
            signal: verificationRequested,
          });
        } catch (error) {
          // It ended between our read and the signal: there is nothing left to send.
          if (!isWorkflowOver(error)) throw error;
        }
      }
      return c.json({}, 202);
    },
  );
}
