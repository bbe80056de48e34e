/** The vendor's webhooks: what happened to which applicant, nothing personal, and the digest over the raw body. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Applicant } from './applicant-book.ts';

export type KycEventType =
  | 'applicantCreated'
  | 'applicantPending'
  | 'applicantOnHold'
  | 'applicantReviewed'
  | 'applicantReset'
  | 'applicantLevelChanged';

export function kycEvent(applicant: Applicant, type: KycEventType): { eventId: string; body: string } {
  const correlationId = randomUUID();
  const body = {
    applicantId: applicant.id,
    inspectionId: applicant.inspectionId,
    applicantType: 'individual',
    correlationId,
    externalUserId: applicant.externalUserId,
    levelName: applicant.levelName,
    sandboxMode: true,
    type,
    ...(type === 'applicantReviewed' ? { reviewResult: applicant.reviewResult } : {}),
    reviewStatus: applicant.reviewStatus,
    createdAt: new Date().toISOString().replace('T', ' ').replace('Z', '+0000'),
    createdAtMs: String(Date.now()),
    clientId: 'pitboss_sandbox',
  };
  return { eventId: correlationId, body: JSON.stringify(body) };
}

export const payloadDigest = (body: string, secret: string): Record<string, string> => ({
  'x-payload-digest-alg': 'HMAC_SHA256_HEX',
  'x-payload-digest': createHmac('sha256', secret).update(body, 'utf8').digest('hex'),
});
