/** Adyen's error bodies, and which refusal becomes which of them. */
import type { StoredAnswer } from '../idempotency.ts';
import type { Refusal } from '../refusal.ts';
import { pspReference } from '../references.ts';

export const adyenError = (
  status: number,
  errorCode: string,
  message: string,
  errorType: 'validation' | 'security' | 'internal',
): StoredAnswer => ({
  status,
  body: { status, errorCode, message, errorType, pspReference: pspReference() },
});

export const alreadyProcessed = (status: 409 | 422) =>
  adyenError(status, '704', 'request already processed or in progress', 'validation');
export const unauthorized = () => adyenError(401, '000', 'HTTP Status Response - Unauthorized', 'security');
export const wrongMerchant = () => adyenError(403, '901', 'Invalid Merchant Account', 'security');
export const wrongSyntax = (message: string) => adyenError(400, '702', message, 'validation');
export const internalError = () => adyenError(500, '901_0', 'An internal error occurred', 'internal');

export function refusalAnswer(refusal: Refusal): StoredAnswer {
  switch (refusal.reason) {
    case 'not_found':
      return refusal.parameter === 'payment_method' || refusal.parameter === 'destination'
        ? adyenError(422, '800', 'Contract not found', 'validation')
        : adyenError(422, '167', 'Original pspReference required for this operation', 'validation');
    case 'invalid_card':
      if (refusal.parameter === 'cvc')
        return adyenError(422, '103', 'CVC is not the right length', 'validation');
      return refusal.parameter === 'number'
        ? adyenError(422, '101', 'Invalid card number', 'validation')
        : adyenError(422, '129', 'Expiry Date Invalid', 'validation');
    case 'invalid_state':
    case 'amount_too_large':
      return adyenError(422, '137', refusal.message, 'validation');
    case 'invalid_amount':
      return adyenError(422, '137', 'Invalid amount specified', 'validation');
    case 'missing_parameter':
      return adyenError(422, '130', refusal.message, 'validation');
    case 'already_processed':
      return alreadyProcessed(409);
  }
}
