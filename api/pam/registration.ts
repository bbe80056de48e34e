/** Registration: one direct command; the relay starts the clock of the account afterwards. */
import { createRoute, z } from '@hono/zod-openapi';
import { recordReferral } from '#activities/affiliates/commands/record-referral.ts';
import { registerPlayer } from '#activities/pam/commands/register-player.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { callerOf } from '#domain/pam/caller.ts';
import { passwordLengthMax, passwordLengthMin } from '#domain/pam/registration.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { idempotencyHeader, idFromKey } from '../idempotency.ts';
import { createPace } from '../pace.ts';
import { problemResponses } from '../problem.ts';
import { clientAddress } from '../request-origin.ts';
import { brandId, countryCode, emailAddress, jurisdictionCode, personName } from './schemas.ts';

/** Of one network: each costs a password's hash and sends a mail to whatever address it names. */
const registrationsPerMinuteMax = 60;

const registrationInput = z
  .strictObject({
    brand: brandId,
    jurisdiction: jurisdictionCode,
    email: emailAddress,
    password: z
      .string()
      .max(passwordLengthMax * 2)
      .openapi({
        description: `At least ${passwordLengthMin} characters.`,
        example: 'a long phrase of mine',
      }),
    firstName: personName,
    lastName: personName,
    dateOfBirth: z.iso.date().openapi({ example: '1990-05-17' }),
    country: countryCode,
    currency: z
      .string()
      .regex(/^[A-Z]{3,10}$/)
      .openapi({ example: 'EUR' }),
    termsVersion: z
      .int()
      .min(1)
      .max(1_000_000)
      .openapi({ description: 'The version that was shown and accepted.' }),
    affiliateCode: z
      .string()
      .regex(/^[A-Za-z0-9_-]{2,40}$/)
      .optional(),
  })
  .openapi('Registration');

const registered = z
  .strictObject({ playerId: z.uuid(), status: z.enum(['email-unverified']) })
  .openapi('RegisteredPlayer');

export function mountRegistration(api: Api, deps: ApiDeps): void {
  const pace = createPace({ perMinuteMax: registrationsPerMinuteMax });
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/players',
      operationId: 'registerPlayer',
      tags: ['pam'],
      summary: 'Register with a brand',
      description: 'A mail with a verification link follows; signing in needs the verified address.',
      request: {
        headers: idempotencyHeader,
        body: { required: true, content: { 'application/json': { schema: registrationInput } } },
      },
      responses: {
        201: {
          description: 'Registered, or registered before with this key',
          content: { 'application/json': { schema: registered } },
        },
        ...problemResponses(
          'invalid-request',
          'malformed-json',
          'body-too-large',
          'unsupported-media-type',
          'unknown-brand',
          'unknown-jurisdiction',
          'unsupported-asset',
          'terms-not-current',
          'player-underage',
          'email-taken',
          'idempotency-key-reused',
          'too-many-requests',
          'dependency-unavailable',
        ),
      },
    }),
    async (c) => {
      if (!pace.admits(callerOf(clientAddress(c) ?? 'unknown')))
        throw new FailureError(
          fail('too-many-requests', 'That were many registrations in a minute.').failure,
        );
      const { affiliateCode = null, ...wish } = c.req.valid('json');
      const id = idFromKey('player', wish.brand, c.req.valid('header')['idempotency-key']);
      const player = orThrow(
        await registerPlayer({ ...deps, alongside: recordReferral }, { ...wish, id, affiliateCode }),
      );
      return c.json(player, 201);
    },
  );
}
