/** Identity checks: the player opens one and reads where it stands; staff decide what is on hold. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import { createRoute, z } from '@hono/zod-openapi';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import { openVerification } from '#activities/kyc/commands/open-verification.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { kycLevels, verifiableLevels } from '#domain/kyc/levels.ts';
import {
  begin,
  decideVerification,
  verificationStart,
  verificationWorkflowId,
  type VerificationInput,
} from '#workflows/verification.contract.ts';
import type { verification } from '#workflows/verification.ts';
import type { Api } from './app.ts';
import { maySee, requireOperator } from './backoffice-guard.ts';
import type { ApiDeps } from './context.ts';
import { actKeyOf, bindKey, idempotencyHeader, idFromKey, requestFingerprint } from './idempotency.ts';
import { openedOutput, readVerification, toApiVerification, verificationOutput } from './kyc/schemas.ts';
import { mustSeePlayer } from './must-see-player.ts';
import { requirePlayer } from './pam-guard.ts';
import { problemResponses } from './problem.ts';
import { idParam } from './schemas.ts';
import { failureBehind, isWorkflowOver } from './workflow-failures.ts';

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

const openRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/v1/kyc/verifications',
    operationId: 'openVerification',
    tags: ['kyc'],
    summary: 'Open an identity check, or get a fresh link to the one that is open',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: {
      headers: idempotencyHeader,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z.strictObject({ level: z.enum(verifiableLevels) }).openapi('OpenVerification'),
          },
        },
      },
    },
    responses: {
      200: json(openedOutput, 'The verification, with the page to go to while there is something to do'),
      ...problemResponses(
        'invalid-request',
        'not-authenticated',
        'already-decided',
        'idempotency-key-reused',
        'unknown-jurisdiction',
        'dependency-unavailable',
      ),
    },
  });

const readRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/kyc/verifications/{id}',
    operationId: 'readVerification',
    tags: ['kyc'],
    summary: 'Where an identity check stands',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    request: { params: idParam },
    responses: {
      200: json(verificationOutput, 'The verification'),
      ...problemResponses('invalid-request', 'not-authenticated', 'not-found'),
    },
  });

const levelRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/v1/kyc/level',
    operationId: 'readKycLevel',
    tags: ['kyc'],
    summary: 'The KYC level that the player holds',
    security: [{ playerSession: [] }],
    middleware: [requirePlayer(deps)] as const,
    responses: {
      200: json(z.strictObject({ level: z.enum(kycLevels) }).openapi('KycLevel'), 'The level'),
      ...problemResponses('not-authenticated'),
    },
  });

const decideRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'post',
    path: '/admin/v1/verifications/{id}/decisions',
    operationId: 'decideVerification',
    tags: ['kyc'],
    summary: 'Decide a verification that is on hold',
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'kyc:verification:decide')] as const,
    request: {
      params: idParam,
      headers: idempotencyHeader,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z
              .strictObject({
                decision: z.enum(['approve', 'refuse']),
                reason: z
                  .string()
                  .trim()
                  .min(3)
                  .max(500)
                  .openapi({ description: 'Kept in the audit trail.' }),
              })
              .openapi('VerificationDecision'),
          },
        },
      },
    },
    responses: {
      200: json(verificationOutput, 'The verification after the decision'),
      ...problemResponses(
        'invalid-request',
        'not-authenticated',
        'forbidden',
        'not-found',
        'verification-not-open',
        'already-decided',
        'dependency-unavailable',
      ),
    },
  });

const listRoute = (deps: ApiDeps) =>
  createRoute({
    method: 'get',
    path: '/admin/v1/players/{id}/verifications',
    operationId: 'listVerifications',
    tags: ['kyc'],
    summary: "A player's identity checks, newest first",
    security: [{ operatorSession: [] }],
    middleware: [requireOperator(deps, 'kyc:verification:read')] as const,
    request: { params: idParam },
    responses: {
      200: json(
        z
          .strictObject({ level: z.enum(kycLevels), items: z.array(verificationOutput) })
          .openapi('PlayerVerifications'),
        'The level held and the last 50 verifications',
      ),
      ...problemResponses('invalid-request', 'not-authenticated', 'forbidden', 'not-found'),
    },
  });

export function mountKyc(api: Api, deps: ApiDeps): void {
  api.openapi(openRoute(deps), async (c) => {
    const player = c.var.player;
    const { level } = c.req.valid('json');
    const key = c.req.valid('header')['idempotency-key'];
    const { version } = orThrow(await currentProfile(deps.db, player.jurisdiction));
    const { id } = orThrow(
      await openVerification(deps.db, {
        id: idFromKey('verification', player.playerId, key),
        playerId: player.playerId,
        brand: player.brand,
        jurisdiction: player.jurisdiction,
        profileVersion: version,
        level,
        fingerprint: requestFingerprint({ level }),
      }),
    );
    const { playerId, brand, jurisdiction } = player;
    return c.json(await beginVerification(deps, { verificationId: id, playerId, brand, jurisdiction }), 200);
  });

  api.openapi(readRoute(deps), async (c) => {
    const row = await readVerification(deps.db, c.req.valid('param').id);
    if (row?.playerId !== c.var.player.playerId) throw notFound();
    return c.json(toApiVerification(row), 200);
  });

  api.openapi(levelRoute(deps), async (c) =>
    c.json({ level: await readKycLevel(deps.db, c.var.player.playerId) }, 200),
  );

  api.openapi(decideRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    const row = await readVerification(deps.db, id);
    if (!row || !maySee(c.var.operator, row.brand)) throw notFound();
    const { operatorId } = c.var.operator;
    const decision = c.req.valid('json');
    const key = actKeyOf('kyc-decision', operatorId, c.req.valid('header')['idempotency-key'], {
      id,
      ...decision,
    });
    await bindKey(deps.db, key);
    await sendDecision(deps, id, { operatorId, ...decision, updateId: key.id });
    const decided = await readVerification(deps.db, id);
    if (!decided) throw notFound();
    return c.json(toApiVerification(decided), 200);
  });

  api.openapi(listRoute(deps), async (c) => {
    const { id } = c.req.valid('param');
    await mustSeePlayer(deps.db, c.var.operator, id);
    const rows = await deps.db
      .selectFrom('kyc.verification')
      .selectAll()
      .where('playerId', '=', id)
      .orderBy('openedAt', 'desc')
      .limit(50)
      .execute();
    return c.json({ level: await readKycLevel(deps.db, id), items: rows.map(toApiVerification) }, 200);
  });
}

/** Starts the workflow or meets the running one; when it has ended, the row has the answer. */
async function beginVerification(
  deps: ApiDeps,
  input: VerificationInput,
): Promise<z.infer<typeof openedOutput>> {
  const client = await deps.temporal();
  try {
    const startWorkflowOperation = new WithStartWorkflowOperation<typeof verification>(
      'verification',
      verificationStart(input),
    );
    const view = await client.workflow.executeUpdateWithStart(begin, { startWorkflowOperation });
    return { verificationId: view.verificationId, state: view.state, verifyUrl: view.verifyUrl };
  } catch (error) {
    if (isWorkflowOver(error)) {
      const row = await readVerification(deps.db, input.verificationId);
      if (row) return { verificationId: row.id, state: toApiVerification(row).state, verifyUrl: null };
    }
    throw failureBehind(error) ?? error;
  }
}

async function sendDecision(
  deps: ApiDeps,
  verificationId: string,
  decision: { operatorId: string; decision: 'approve' | 'refuse'; reason: string; updateId: string },
): Promise<void> {
  const client = await deps.temporal();
  const { updateId, ...args } = decision;
  try {
    await client.workflow
      .getHandle(verificationWorkflowId(verificationId))
      .executeUpdate(decideVerification, { updateId, args: [args] });
  } catch (error) {
    if (isWorkflowOver(error)) {
      // A repeat of the decision that ended it is answered with the row; anything else came too late.
      const row = await readVerification(deps.db, verificationId);
      const wanted = args.decision === 'approve' ? 'approved' : 'refused';
      if (row?.decidedBy === args.operatorId && row.state === wanted) return;
      throw new FailureError(fail('already-decided', 'The verification has ended.').failure);
    }
    throw failureBehind(error) ?? error;
  }
}

const notFound = () => new FailureError(fail('not-found', 'There is no such verification.').failure);
