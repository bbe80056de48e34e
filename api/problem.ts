/** The one error shape of the API: RFC 9457 problem details with a stable `code`. */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from '@hono/zod-openapi';
import { fail, FailureError, failureCodes, type Failure, type FailureCode } from '#domain/failures.ts';
import { isDatabaseUnavailable } from '#db/connect.ts';
import type { ApiEnv } from './context.ts';
import { noteRefusedWebhook } from './refused-webhooks.ts';
import { logOf } from './request-start.ts';

type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 503;

const statuses: Record<FailureCode, ProblemStatus> = {
  'malformed-json': 400,
  'invalid-request': 400,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'idempotency-key-missing': 400,
  'idempotency-key-reused': 422,
  'amount-not-positive': 400,
  'amount-too-precise': 400,
  'amount-too-large': 400,
  'amount-too-small': 400,
  'unknown-asset': 400,
  'unsupported-asset': 422,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-authenticated': 401,
  'session-expired': 401,
  forbidden: 403,
  'invalid-credentials': 401,
  'invalid-signature': 401,
  'stale-signature': 401,
  'too-many-requests': 429,
  'email-taken': 409,
  'email-not-verified': 403,
  'verification-link-invalid': 400,
  'reset-link-invalid': 400,
  'player-underage': 422,
  'terms-not-current': 409,
  'unknown-brand': 404,
  'unknown-jurisdiction': 422,
  'player-blocked': 403,
  'deposit-limit-required': 409,
  'play-limit-required': 409,
  'deposit-limit-exceeded': 422,
  'play-limit-exceeded': 422,
  'self-excluded': 403,
  'limit-change-not-open': 409,
  'identity-not-verified': 403,
  'verification-not-open': 409,
  'insufficient-funds': 422,
  'duplicate-transaction': 409,
  'transaction-not-found': 404,
  'transaction-rolled-back': 409,
  'stake-returned': 409,
  'bonus-bet-too-large': 422,
  'stake-too-large': 422,
  'wallet-not-found': 404,
  'proof-pending': 409,
  'withdrawals-stopped': 503,
  'payment-method-unavailable': 422,
  'deposit-not-awaiting-action': 409,
  'withdrawal-not-pending': 409,
  'withdrawal-pending-wagering': 409,
  'already-decided': 409,
  'own-approval': 403,
  'refund-not-open': 409,
  'refund-unsupported': 422,
  'modification-not-open': 409,
  'dispute-not-open': 409,
  'fraud-alert-not-open': 409,
  'break-not-open': 409,
  'amount-below-minimum': 422,
  'amount-above-maximum': 422,
  'payment-limit-exceeded': 422,
  'list-entry-not-open': 409,
  'quote-expired': 409,
  'quote-not-open': 409,
  'retry-rule-looser': 422,
  'retry-rule-not-open': 409,
  'lookup-import-not-open': 409,
  'setting-not-open': 409,
  'held-money-not-open': 409,
  'work-item-not-open': 409,
  'invalid-address-checksum': 400,
  'address-resting': 409,
  'unknown-game': 404,
  'game-session-invalid': 401,
  'round-void-pending': 409,
  'round-void-not-open': 409,
  'provider-refused': 422,
  'provider-lacks-feature': 422,
  'version-outdated': 409,
  'name-taken': 409,
  'too-many-keys': 409,
  'free-rounds-not-cancellable': 409,
  'award-active': 409,
  'award-not-active': 409,
  'hold-not-open': 409,
  'hold-exceeded': 422,
  'exceeds-captured': 422,
  'exceeds-authorised': 422,
  'several-captures-unsupported': 422,
  'adjustment-not-open': 409,
  'rate-not-current': 409,
  'unknown-selection': 422,
  'related-legs': 422,
  'market-closed': 409,
  'market-suspended': 409,
  'odds-changed': 409,
  'stake-out-of-range': 422,
  'player-stake-limit': 422,
  'payout-too-large': 422,
  'bet-not-open': 409,
  'cash-out-unavailable': 409,
  'cash-out-offer-gone': 409,
  'result-not-applicable': 409,
  'rule-invalid': 422,
  'rule-step-refused': 409,
  'dependency-unavailable': 503,
  overloaded: 503,
};

export const problemSchema = z
  .strictObject({
    type: z.string().openapi({ example: '/docs/problems#insufficient-funds' }),
    title: z.string(),
    status: z.int(),
    code: z.enum(failureCodes).openapi({ description: 'Stable; program against this.' }),
    detail: z.string(),
    instance: z.string().openapi({ description: 'Request id, to be quoted to support.' }),
    errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem');

const titleOf = (code: FailureCode): string => {
  const words = code.replaceAll('-', ' ');
  return words[0]?.toUpperCase() + words.slice(1);
};

/** Status of a failure, exhaustive over the closed list. */
export const statusOf = (code: FailureCode): ProblemStatus => statuses[code];

/** After how many seconds a caller may come back to what nobody could answer. */
export const retryAfterSOf = (failure: Failure): number => failure.retryAfterS ?? 2;

/** Answers a failure; 503 and 429 say when to come back. */
export function answerProblem(c: Context<ApiEnv>, failure: Failure): Response {
  noteRefusedWebhook(c, failure.code);
  const { status, text, retryAfterS } = problemOf(failure, c.get('requestId'));
  if (retryAfterS !== undefined) c.header('Retry-After', String(retryAfterS));
  return c.body(text, status, { 'content-type': problemType });
}

export const problemType = 'application/problem+json';

/** A failure as the answer that tells of it; 503 and 429 say when to come back. */
export function problemOf(
  failure: Failure,
  requestId: string,
): { readonly status: ProblemStatus; readonly text: string; readonly retryAfterS: number | undefined } {
  const status = statusOf(failure.code);
  return {
    status,
    retryAfterS: status === 503 || status === 429 ? retryAfterSOf(failure) : failure.retryAfterS,
    text: JSON.stringify({
      type: `/docs/problems#${failure.code}`,
      title: titleOf(failure.code),
      status,
      code: failure.code,
      detail: failure.detail,
      instance: requestId,
      ...(failure.fields ? { errors: failure.fields } : {}),
    }),
  };
}

/** What is told of a bug: that it is ours, and the id to ask with. */
export const bugText = (requestId: string): string =>
  JSON.stringify({
    type: 'about:blank',
    title: 'Internal error',
    status: 500,
    detail: 'The request failed for a reason of ours.',
    instance: requestId,
  });

/** What an address gets that leads to no route. */
export const nothingHere = fail('not-found', 'There is nothing at this address.').failure;

/** Last stop of everything thrown: failures by code, an absent dependency as 503, a bug as a 500 without details. */
export function answerError(error: unknown, c: Context<ApiEnv>): Response {
  if (error instanceof FailureError) return answerProblem(c, error.failure);
  // The framework's own reader of bodies throws this, for example over an empty body that calls itself JSON.
  if (error instanceof HTTPException && error.status === 400) {
    return answerProblem(c, { code: 'malformed-json', detail: 'The body is not well-formed JSON.' });
  }
  if (isDatabaseUnavailable(error)) {
    return answerProblem(c, {
      code: 'dependency-unavailable',
      detail:
        'The database does not answer right now; nothing was changed, or a repeat with the same key will tell.',
    });
  }
  logOf(c).error({ error }, 'unhandled error');
  return c.body(bugText(c.get('requestId')), 500, { 'content-type': problemType });
}

/** OpenAPI response entries for the failures that a route documents. */
export function problemResponses(...codes: FailureCode[]) {
  const byStatus = new Map<ProblemStatus, FailureCode[]>();
  for (const code of codes) byStatus.set(statusOf(code), [...(byStatus.get(statusOf(code)) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: list.join(', '),
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  );
}
