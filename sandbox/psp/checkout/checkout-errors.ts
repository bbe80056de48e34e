/** Checkout.com's error bodies: an HTTP status, a type and a list of codes; some statuses come without any body. */
import type { StoredAnswer } from '../idempotency.ts';
import type { Refusal } from '../refusal.ts';

export const invalid = (...codes: string[]): StoredAnswer => ({
  status: 422,
  body: { request_id: crypto.randomUUID(), error_type: 'request_invalid', error_codes: codes },
});
const notAllowed = (code: string): StoredAnswer => ({
  status: 403,
  body: { request_id: crypto.randomUUID(), error_type: 'request_not_allowed', error_codes: [code] },
});

export const unauthorized: StoredAnswer = { status: 401, body: undefined };
export const forbidden: StoredAnswer = { status: 403, body: undefined };
export const notFound: StoredAnswer = { status: 404, body: undefined };
/** Another request with this key is being processed. */
export const keyInUse: StoredAnswer = { status: 409, body: undefined };
export const tooManyRequests: StoredAnswer = { status: 429, body: undefined };
export const internalError: StoredAnswer = { status: 500, body: undefined };
export const unavailable: StoredAnswer = { status: 503, body: undefined };

export function refusalAnswer(refusal: Refusal): StoredAnswer {
  switch (refusal.reason) {
    case 'not_found':
      return refusal.parameter === 'id' || refusal.parameter === 'payout'
        ? notFound
        : invalid(`${refusal.parameter ?? 'source'}_not_found`);
    case 'invalid_card':
      return refusal.parameter === 'number' ? invalid('card_number_invalid') : invalid('card_expiry_invalid');
    case 'invalid_state':
      return notAllowed('payment_state_invalid');
    case 'amount_too_large':
      return invalid('amount_exceeds_balance');
    case 'invalid_amount':
      return invalid('amount_invalid');
    case 'missing_parameter':
      return invalid(refusal.message);
    case 'already_processed':
      return invalid('token_used');
  }
}
