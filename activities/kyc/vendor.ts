/** The KYC vendor behind a port, and its implementation over signed HTTP requests. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { fail, FailureError } from '#domain/failures.ts';
import type { VendorReview } from '#domain/kyc/review.ts';
import {
  applicantCreatedSchema,
  applicantSchema,
  fromVendorReview,
  screeningSchema,
  sdkLinkSchema,
  vendorErrorSchema,
} from './vendor.schema.ts';

export type VendorApplicant = {
  readonly applicantId: string;
  /** Our name of the applicant, as the vendor has it. */
  readonly externalUserId: string;
  /** The level under review now. */
  readonly levelName: string | null;
  readonly review: VendorReview;
};

/** Every method throws `dependency-unavailable` when the vendor is away or answers what cannot be used. */
export interface KycVendor {
  /** Creates the applicant of that name or finds the one that exists: a repeat makes no second one. */
  ensureApplicant(request: { externalUserId: string; levelName: string }): Promise<{ applicantId: string }>;
  readApplicant(applicantId: string): Promise<VendorApplicant>;
  /** Address of the vendor's hosted page, good for `ttlS` seconds. */
  createVerifyLink(request: {
    externalUserId: string;
    levelName: string;
    ttlS: number;
  }): Promise<{ url: string }>;
  /**
   * Whether a person is on a list now. The same `requestId` again gets the same answer. Only an answer that the vendor
   * has signed, about this question and this applicant, is one.
   */
  screen(request: {
    applicantId: string;
    externalUserId: string;
    requestId: string;
  }): Promise<{ listVersion: string; hits: readonly { id: string; list: string }[] }>;
}

export type KycVendorOptions = {
  readonly url: string;
  readonly appToken: string;
  readonly secretKey: string;
  readonly timeoutMs?: number;
};

type Answer = {
  readonly status: number;
  readonly body: unknown;
  /** Whether it carries the vendor's signature over its bytes. */
  readonly isSigned: boolean;
};

const answerBytesMax = 1_000_000;

export function createKycVendor(options: KycVendorOptions): KycVendor {
  const base = new URL(options.url);
  const call = (method: 'GET' | 'POST', uri: string, body?: unknown) =>
    send(options, base, method, uri, body);

  const findApplicant = async (
    externalUserId: string,
    conflict: Answer,
  ): Promise<{ applicantId: string }> => {
    const told = vendorErrorSchema.safeParse(conflict.body);
    const named = told.success
      ? /already exists: ([\w-]{1,100})/.exec(told.data.description)?.[1]
      : undefined;
    if (named !== undefined) return { applicantId: named };
    const found = await call(
      'GET',
      `/resources/applicants/-;externalUserId=${encodeURIComponent(externalUserId)}/one`,
    );
    return { applicantId: read(applicantCreatedSchema, found).id };
  };

  return {
    ensureApplicant: async ({ externalUserId, levelName }) => {
      const uri = `/resources/applicants?levelName=${encodeURIComponent(levelName)}`;
      const answer = await call('POST', uri, { externalUserId });
      if (answer.status === 409) return findApplicant(externalUserId, answer);
      return { applicantId: read(applicantCreatedSchema, answer).id };
    },
    readApplicant: async (applicantId) => {
      const answer = await call('GET', `/resources/applicants/${encodeURIComponent(applicantId)}/one`);
      const applicant = read(applicantSchema, answer);
      if (applicant.id !== applicantId) throw unusable('another applicant than the one asked for');
      return {
        applicantId,
        externalUserId: applicant.externalUserId,
        levelName: applicant.review?.levelName ?? null,
        review: fromVendorReview(applicant.review),
      };
    },
    createVerifyLink: async ({ externalUserId, levelName, ttlS }) => {
      const answer = await call('POST', '/resources/accessTokens/sdk', {
        userId: externalUserId,
        levelName,
        ttlInSecs: ttlS,
      });
      const link = new URL(read(sdkLinkSchema, answer).url);
      // A player is sent there, so nothing but a web page is let through; plain HTTP only to a vendor reached so.
      if (link.protocol !== 'https:' && link.protocol !== base.protocol)
        throw unusable('a link that is no web page');
      return { url: link.href };
    },
    screen: async ({ applicantId, externalUserId, requestId }) => {
      const answer = await call(
        'POST',
        `/resources/applicants/${encodeURIComponent(applicantId)}/recheck/aml`,
        { requestId },
      );
      const told = read(screeningSchema, answer);
      if (!answer.isSigned) throw unusable('an answer without its signature');
      if (
        told.requestId !== requestId ||
        told.applicantId !== applicantId ||
        told.externalUserId !== externalUserId
      )
        throw unusable('an answer to another question');
      // A verdict and its grounds must agree; what cannot be explained is no pass.
      if ((told.answer === 'RED') !== told.hits.length > 0) throw unusable('a verdict without grounds');
      return { listVersion: told.listVersion, hits: told.hits };
    },
  };
}

async function send(
  options: KycVendorOptions,
  base: URL,
  method: 'GET' | 'POST',
  uri: string,
  body: unknown,
): Promise<Answer> {
  const path = `${base.pathname.replace(/\/$/, '')}${uri}`;
  const text = body === undefined ? '' : JSON.stringify(body);
  const timestampS = Math.floor(Date.now() / 1_000).toString();
  const signature = createHmac('sha256', options.secretKey)
    .update(`${timestampS}${method}${path}${text}`)
    .digest('hex');
  try {
    const response = await fetch(new URL(path, base.origin), {
      method,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'x-app-token': options.appToken,
        'x-app-access-ts': timestampS,
        'x-app-access-sig': signature,
      },
      ...(text === '' ? {} : { body: text }),
      redirect: 'error',
      signal: AbortSignal.timeout(options.timeoutMs ?? 5_000),
    });
    const answer = await response.text();
    if (answer.length > answerBytesMax) throw new Error('the answer is too large');
    const digest = response.headers.get('x-payload-digest') ?? '';
    return {
      status: response.status,
      body: parseJson(answer),
      isSigned: isDigestOf(options.secretKey, answer, digest),
    };
  } catch {
    throw unusable('no answer');
  }
}

function isDigestOf(secretKey: string, text: string, digest: string): boolean {
  if (!/^[0-9a-f]{64}$/i.test(digest)) return false;
  const expected = createHmac('sha256', secretKey).update(text, 'utf8').digest();
  return timingSafeEqual(expected, Buffer.from(digest, 'hex'));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function read<T extends z.ZodType>(schema: T, answer: Answer): z.infer<T> {
  if (answer.status < 200 || answer.status > 299) throw unusable(`status ${answer.status}`);
  const parsed = schema.safeParse(answer.body);
  if (!parsed.success) throw unusable('a body that does not fit');
  return parsed.data;
}

const unusable = (what: string) =>
  new FailureError(fail('dependency-unavailable', `The KYC vendor gave ${what}.`).failure);
