/** Webhooks of the KYC vendor: proven by their digest, stored once, then a poke for the workflow that asks again. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { markProcessed, receiveWebhook } from '#activities/compliance/commands/webhook-inbox.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow, succeed } from '#domain/failures.ts';
import { verifyWithAny } from '#domain/former-secrets.ts';
import { vendorNoticeSchema } from '#domain/kyc/vendor-notice.schema.ts';
import { vendorNotified, verificationWorkflowId } from '#workflows/verification.contract.ts';
import { logOf } from '../request-start.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { problemResponses } from '../problem.ts';
import { isWorkflowOver } from '../workflow-failures.ts';

const kycWebhookSource = 'kyc:vendor';

/** The vendor's last retry comes within a day; what is older is a replay and could tell nothing new. */
const noticeAgeMsMax = 72 * 3_600_000;

const outcomes = ['accepted', 'duplicate', 'stale', 'unknown-applicant'] as const;

const route = createRoute({
  method: 'post',
  path: '/webhooks/kyc/vendor',
  operationId: 'receiveKycWebhook',
  tags: ['kyc'],
  summary: 'Something changed at the KYC vendor',
  description: 'The raw body is signed: `X-Payload-Digest` is the hexadecimal HMAC under the shared secret.',
  responses: {
    200: {
      description: 'Stored, or known already',
      content: {
        'application/json': {
          schema: z.strictObject({ outcome: z.enum(outcomes) }).openapi('KycWebhookOutcome'),
        },
      },
    },
    ...problemResponses(
      'malformed-json',
      'invalid-request',
      'invalid-signature',
      'not-found',
      'body-too-large',
    ),
  },
});

export function mountKycWebhook(api: Api, deps: ApiDeps): void {
  api.openapi(route, async (c) => {
    const vendor = deps.config.kycVendor;
    if (!vendor) throw new FailureError(fail('not-found', 'There is nothing at this address.').failure);
    const raw = Buffer.from(await c.req.arrayBuffer());
    const digest = {
      value: c.req.header('x-payload-digest'),
      algorithm: c.req.header('x-payload-digest-alg'),
    };
    const { formerSecret } = orThrow(
      verifyWithAny(
        { current: vendor.webhookSecret.reveal(), former: vendor.formerSecrets?.reveal() },
        Date.now(),
        (secret) =>
          isDigestValid(raw, digest, secret)
            ? succeed(true)
            : fail('invalid-signature', 'The digest does not fit the body.'),
      ),
    );
    if (formerSecret !== null)
      logOf(c).info({ secret: formerSecret }, 'a webhook of the KYC vendor was signed with a former secret');
    return c.json({ outcome: await takeNotice(deps, raw, logOf(c)) }, 200);
  });
}

type Outcome = (typeof outcomes)[number];

async function takeNotice(deps: ApiDeps, raw: Buffer, log: ApiDeps['log']): Promise<Outcome> {
  const notice = readNotice(raw);
  const verificationId = await findVerification(deps.db, notice);
  const subject = verificationId === undefined ? null : verificationWorkflowId(verificationId);
  const webhook = {
    source: kycWebhookSource,
    externalId: `${notice.applicantId}:${notice.type}:${notice.createdAtMs}:${sha256(raw)}`,
    body: raw.toString('utf8').replaceAll('\u0000', ''),
    subject,
  };
  const { fresh } = await receiveWebhook(deps.db, webhook);
  if (!fresh) return 'duplicate';
  if (isStale(notice.createdAtMs)) {
    await markProcessed(deps.db, webhook);
    return 'stale';
  }
  if (subject === null) {
    await markProcessed(deps.db, webhook);
    return 'unknown-applicant';
  }
  try {
    const client = await deps.temporal();
    await client.workflow.getHandle(subject).signal(vendorNotified);
  } catch (error) {
    // The row is durable: the sweep of open webhooks will poke, so the vendor need not send again.
    if (!isWorkflowOver(error)) {
      log.warn({ error, subject }, 'a stored webhook waits for the sweep');
      return 'accepted';
    }
  }
  await markProcessed(deps.db, webhook);
  return 'accepted';
}

function readNotice(raw: Buffer): z.infer<typeof vendorNoticeSchema> {
  let body: unknown;
  try {
    body = JSON.parse(raw.toString('utf8'));
  } catch {
    throw new FailureError(fail('malformed-json', 'The body is not well-formed JSON.').failure);
  }
  const notice = vendorNoticeSchema.safeParse(body);
  if (!notice.success) {
    throw new FailureError(fail('invalid-request', 'The body is not an event of an applicant.').failure);
  }
  return notice.data;
}

/** By applicant; an event that overtakes our own note of the applicant's id is found by the check's name at the vendor. */
async function findVerification(
  db: Database,
  notice: { applicantId: string; externalUserId?: string | undefined },
): Promise<string | undefined> {
  const { externalUserId } = notice;
  const row = await db
    .selectFrom('kyc.verification')
    .select('id')
    .where((where) =>
      where.or([
        where('vendorApplicantId', '=', notice.applicantId),
        ...(externalUserId === undefined
          ? []
          : [
              where.and([where('vendorUserId', '=', externalUserId), where('vendorApplicantId', 'is', null)]),
            ]),
      ]),
    )
    // Checks of before each had its applicant may share one.
    .orderBy(sql`state in ('opened', 'pending', 'on-hold')`, 'desc')
    .orderBy('openedAt', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

const algorithms = new Map([
  ['HMAC_SHA256_HEX', 'sha256'],
  ['HMAC_SHA512_HEX', 'sha512'],
]);

function isDigestValid(
  raw: Buffer,
  digest: { value: string | undefined; algorithm: string | undefined },
  secret: string,
): boolean {
  const algorithm = algorithms.get(digest.algorithm ?? 'HMAC_SHA256_HEX');
  if (algorithm === undefined || digest.value === undefined || !/^[0-9a-f]{64,128}$/i.test(digest.value))
    return false;
  const expected = createHmac(algorithm, secret).update(raw).digest();
  const given = Buffer.from(digest.value, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Milliseconds as a number or text, or the vendor's "2026-11-24 10:11:12.345" in UTC; unreadable counts as stale. */
function isStale(createdAtMs: string | number): boolean {
  const text = String(createdAtMs);
  const atMs = /^\d{10,16}$/.test(text)
    ? Number(text)
    : Date.parse(`${text.replace(' ', 'T').replace(/(\+0000|Z)$/, '')}Z`);
  return !Number.isFinite(atMs) || atMs < Date.now() - noticeAgeMsMax;
}

const sha256 = (raw: Buffer): string => createHash('sha256').update(raw).digest('hex');
