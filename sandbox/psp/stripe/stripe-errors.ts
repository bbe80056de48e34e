/** Stripe's error bodies, and which refusal becomes which of them. */
import type { StoredAnswer } from '../idempotency.ts';
import type { Refusal } from '../refusal.ts';

interface ErrorFields {
  type: string;
  code?: string;
  message: string;
  param?: string;
}

const stripeError = (status: number, error: ErrorFields): StoredAnswer => ({ status, body: { error } });

export function refusalAnswer(refusal: Refusal): StoredAnswer {
  const param = refusal.parameter === undefined ? {} : { param: refusal.parameter };
  switch (refusal.reason) {
    case 'not_found':
      return stripeError(404, {
        type: 'invalid_request_error',
        code: 'resource_missing',
        message: refusal.message,
        ...param,
      });
    case 'invalid_card':
      return stripeError(402, {
        type: 'card_error',
        message: refusal.message,
        ...param,
        code:
          refusal.parameter === 'exp_month'
            ? 'invalid_expiry_month'
            : refusal.parameter === 'exp_year'
              ? 'invalid_expiry_year'
              : 'incorrect_number',
      });
    case 'invalid_state':
      return stripeError(400, {
        type: 'invalid_request_error',
        code: 'payment_intent_unexpected_state',
        message: refusal.message,
        ...param,
      });
    case 'amount_too_large':
      return stripeError(400, {
        type: 'invalid_request_error',
        code: 'amount_too_large',
        message: refusal.message,
        ...param,
      });
    case 'invalid_amount':
      return stripeError(400, {
        type: 'invalid_request_error',
        code: 'parameter_invalid_integer',
        message: refusal.message,
        ...param,
      });
    case 'missing_parameter':
    case 'already_processed':
      return stripeError(400, {
        type: 'invalid_request_error',
        code: 'parameter_missing',
        message: refusal.message,
        ...param,
      });
  }
}

export const internalError = stripeError(500, {
  type: 'api_error',
  message: 'An unexpected error occurred.',
});
export const keyMismatch = (key: string) =>
  stripeError(400, {
    type: 'idempotency_error',
    message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
  });
export const keyInUse = stripeError(409, {
  type: 'idempotency_error',
  code: 'idempotency_key_in_use',
  message: 'There is currently another in-progress request using this Idempotent Key.',
});
export const unauthorized = stripeError(401, {
  type: 'invalid_request_error',
  message: 'Invalid API Key provided.',
});
export const publishableKeyForbidden = stripeError(403, {
  type: 'invalid_request_error',
  code: 'secret_key_required',
  message: 'This API call cannot be made with a publishable API key.',
});
export const unavailable = stripeError(503, {
  type: 'api_error',
  message: 'The service is unavailable; the request was not processed.',
});
export const rateLimited = stripeError(429, {
  type: 'invalid_request_error',
  code: 'rate_limit',
  message: 'Too many requests.',
});
export const unknownRoute = (method: string, path: string) =>
  stripeError(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${method}: ${path}).`,
  });
