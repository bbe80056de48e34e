/** What an issuer can say no with, in the words of each dialect; network codes are ISO 8583 response codes. */
export interface Decline {
  networkCode: string;
  networkText: string;
  stripe: {
    code: string;
    declineCode: string;
    adviceCode: 'try_again_later' | 'do_not_try_again' | 'confirm_card_data';
  };
  adyen: { resultCode: 'Refused' | 'Error'; refusalReason: string; refusalReasonCode: string };
}

export const declines = {
  generic: {
    networkCode: '05',
    networkText: 'Do not honor',
    stripe: { code: 'card_declined', declineCode: 'generic_decline', adviceCode: 'try_again_later' },
    adyen: { resultCode: 'Refused', refusalReason: 'Refused', refusalReasonCode: '2' },
  },
  insufficient_funds: {
    networkCode: '51',
    networkText: 'Insufficient funds/over credit limit',
    stripe: { code: 'card_declined', declineCode: 'insufficient_funds', adviceCode: 'try_again_later' },
    adyen: { resultCode: 'Refused', refusalReason: 'Not enough balance', refusalReasonCode: '12' },
  },
  expired: {
    networkCode: '54',
    networkText: 'Expired card',
    stripe: { code: 'expired_card', declineCode: 'expired_card', adviceCode: 'confirm_card_data' },
    adyen: { resultCode: 'Refused', refusalReason: 'Expired Card', refusalReasonCode: '6' },
  },
  invalid_card: {
    networkCode: '14',
    networkText: 'Invalid card number',
    stripe: { code: 'incorrect_number', declineCode: 'incorrect_number', adviceCode: 'do_not_try_again' },
    adyen: { resultCode: 'Refused', refusalReason: 'Invalid Card Number', refusalReasonCode: '8' },
  },
  lost: {
    networkCode: '41',
    networkText: 'Lost card',
    stripe: { code: 'card_declined', declineCode: 'lost_card', adviceCode: 'do_not_try_again' },
    adyen: { resultCode: 'Refused', refusalReason: 'Blocked Card', refusalReasonCode: '5' },
  },
  stolen: {
    networkCode: '43',
    networkText: 'Stolen card, pick-up',
    stripe: { code: 'card_declined', declineCode: 'stolen_card', adviceCode: 'do_not_try_again' },
    adyen: { resultCode: 'Refused', refusalReason: 'Blocked Card', refusalReasonCode: '5' },
  },
  risk_block: {
    networkCode: '',
    networkText: '',
    stripe: { code: 'card_declined', declineCode: 'fraudulent', adviceCode: 'do_not_try_again' },
    adyen: { resultCode: 'Refused', refusalReason: 'FRAUD', refusalReasonCode: '20' },
  },
  sca_required: {
    networkCode: '1A',
    networkText: 'Additional customer authentication required',
    stripe: {
      code: 'authentication_required',
      declineCode: 'authentication_required',
      adviceCode: 'try_again_later',
    },
    adyen: { resultCode: 'Refused', refusalReason: 'Authentication required', refusalReasonCode: '38' },
  },
  not_authenticated: {
    networkCode: '',
    networkText: '',
    stripe: { code: 'payment_intent_authentication_failure', declineCode: '', adviceCode: 'try_again_later' },
    adyen: { resultCode: 'Refused', refusalReason: '3D Not Authenticated', refusalReasonCode: '11' },
  },
  technical: {
    networkCode: '96',
    networkText: 'System malfunction',
    stripe: { code: 'processing_error', declineCode: 'processing_error', adviceCode: 'try_again_later' },
    adyen: { resultCode: 'Error', refusalReason: 'Acquirer Error', refusalReasonCode: '4' },
  },
} as const satisfies Record<string, Decline>;

export type DeclineName = keyof typeof declines;
