/** Keys of an integration in the back office: proposed by one person, activated by another, ended by either; shown as fingerprints. */
import { randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import {
  credentialHash,
  decideCredential,
  proposeCredential,
} from '#activities/games/commands/credentials.ts';
import { orThrow } from '#domain/failures.ts';
import type { Api } from '../app.ts';
import { requireOperator } from '../backoffice-guard.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { pageOf, timestamp } from '../schemas.ts';
import { guardedAnswers, integrationId, integrationParam, reasonText } from './integration-schemas.ts';
import { visibleIntegration } from './integrations.ts';

const kind = z.enum(['rsa-public', 'rsa-private', 'hmac-secret']);

const credentialSchema = z
  .strictObject({
    id: z.uuid(),
    kind,
    state: z.enum(['proposed', 'active', 'refused', 'retired']),
    fingerprint: z.string(),
    publicKey: z.string().nullable().openapi({ description: 'For the provider; null for a shared secret.' }),
    validFrom: timestamp,
    validUntil: timestamp.nullable(),
    signsFrom: timestamp.nullable(),
    payloadHash: z.string().openapi({ description: 'Of what a decision is about; it is repeated there.' }),
    reason: z.string(),
    proposedBy: z.string(),
    proposedAt: timestamp,
    decidedBy: z.string().nullable(),
    decidedAt: timestamp.nullable(),
  })
  .openapi('Credential');

const proposal = z
  .strictObject({
    kind,
    material: z.string().min(16).max(16_384).optional().openapi({
      description:
        'PEM of an RSA key, or the shared secret. Never shown again. Left out, a private key is made here.',
    }),
    validFrom: timestamp.optional(),
    validUntil: timestamp.optional(),
    signsFrom: timestamp.optional().openapi({
      description:
        'From when ours signs with it; the latest of the active ones does. Left out, it only verifies.',
    }),
    reason: reasonText,
  })
  .openapi('CredentialProposal');

const proposed = z
  .strictObject({ id: z.uuid(), fingerprint: z.string(), publicKey: z.string().nullable() })
  .openapi('ProposedCredential');

const decision = z
  .strictObject({
    decision: z.enum(['activate', 'refuse', 'end', 'sign']),
    payloadHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional()
      .openapi({ description: 'Of the key as it was shown; needed for `activate` and `refuse`.' }),
    at: timestamp
      .optional()
      .openapi({ description: 'For `end` and `sign`; at once without it. A key is never prolonged.' }),
    reason: reasonText,
  })
  .superRefine(({ decision: word, payloadHash }, context) => {
    if ((word === 'activate' || word === 'refuse') && payloadHash === undefined)
      context.addIssue({ code: 'custom', path: ['payloadHash'], message: `is needed to ${word}` });
  })
  .openapi('CredentialDecision');

export function mountCredentials(api: Api, deps: ApiDeps): void {
  mountList(api, deps);
  mountProposal(api, deps);
  mountDecision(api, deps);
}

function mountList(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/admin/v1/integrations/{id}/credentials',
      operationId: 'listCredentials',
      tags: ['games'],
      summary: 'Keys of an integration, newest first',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:integration:read')] as const,
      request: { params: integrationParam },
      responses: {
        200: {
          description: 'The last 200',
          content: { 'application/json': { schema: pageOf(credentialSchema, 'CredentialPage') } },
        },
        ...problemResponses('invalid-request', 'not-found', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await visibleIntegration(deps, c.get('operator'), id);
      const rows = await deps.db
        .selectFrom('games.integrationCredential')
        .select([
          'id',
          'kind',
          'state',
          'fingerprint',
          'publicKey',
          'validFrom',
          'validUntil',
          'signsFrom',
          'reason',
          'proposedBy',
          'proposedAt',
          'decidedBy',
          'decidedAt',
        ])
        .where('integration', '=', id)
        .orderBy('proposedAt', 'desc')
        .orderBy('id')
        .limit(200)
        .execute();
      const items = rows.map((row) => ({
        ...row,
        kind: row.kind as z.infer<typeof kind>,
        state: row.state as 'proposed' | 'active' | 'refused' | 'retired',
        validFrom: row.validFrom.toISOString(),
        validUntil: row.validUntil?.toISOString() ?? null,
        signsFrom: row.signsFrom?.toISOString() ?? null,
        payloadHash: credentialHash({ ...row, integration: id }),
        proposedAt: row.proposedAt.toISOString(),
        decidedAt: row.decidedAt?.toISOString() ?? null,
      }));
      return c.json({ items, next: null }, 200);
    },
  );
}

function mountProposal(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/integrations/{id}/credentials',
      operationId: 'proposeCredential',
      tags: ['games'],
      summary: 'Propose a key; it is sealed at once and used once somebody else activates it',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:credential:propose')] as const,
      request: {
        params: integrationParam,
        body: { required: true, content: { 'application/json': { schema: proposal } } },
      },
      responses: {
        201: { description: 'Proposed', content: { 'application/json': { schema: proposed } } },
        ...problemResponses('invalid-request', 'not-found', 'name-taken', ...guardedAnswers),
      },
    }),
    async (c) => {
      const { id: integration } = c.req.valid('param');
      const body = c.req.valid('json');
      const operator = c.get('operator');
      await visibleIntegration(deps, operator, integration);
      const id = randomUUID();
      const { fingerprint, publicKey } = orThrow(
        await proposeCredential(deps, {
          id,
          integration,
          kind: body.kind,
          material: body.material ?? null,
          validFrom: body.validFrom ?? null,
          validUntil: body.validUntil ?? null,
          signsFrom: body.signsFrom ?? null,
          operatorId: operator.operatorId,
          reason: body.reason,
        }),
      );
      return c.json({ id, fingerprint, publicKey }, 201);
    },
  );
}

function mountDecision(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/admin/v1/integrations/{id}/credentials/{credentialId}/decisions',
      operationId: 'decideCredential',
      tags: ['games'],
      summary: 'Activate a key that somebody else proposed, refuse one, let it sign, or end it',
      security: [{ operatorSession: [] }],
      middleware: [requireOperator(deps, 'games:credential:decide')] as const,
      request: {
        params: z.object({ id: integrationId, credentialId: z.uuid() }),
        body: { required: true, content: { 'application/json': { schema: decision } } },
      },
      responses: {
        200: {
          description: 'Decided',
          content: {
            'application/json': { schema: z.strictObject({ state: z.string() }).openapi('CredentialState') },
          },
        },
        ...problemResponses(
          'invalid-request',
          'not-found',
          'own-approval',
          'already-decided',
          'too-many-keys',
          ...guardedAnswers,
        ),
      },
    }),
    async (c) => {
      const { id: integration, credentialId: id } = c.req.valid('param');
      const { decision: word, at, reason, payloadHash = '' } = c.req.valid('json');
      const operator = c.get('operator');
      await visibleIntegration(deps, operator, integration);
      const order = { id, integration, reason, operatorId: operator.operatorId };
      const decided = await decideCredential(
        deps,
        word === 'end' || word === 'sign'
          ? { ...order, decision: word, at: at ?? null }
          : { ...order, decision: word, payloadHash },
      );
      return c.json({ state: orThrow(decided).state }, 200);
    },
  );
}
