/**
 * What a PSP's refusal means and whether another PSP may be asked. One table per dialect: codes are never shared,
 * because the same number means different things at different senders.
 */
import { checkoutDeclineCodes } from './checkout-decline-codes.ts';
import { networkWord } from './network-codes.ts';

export const declineClasses = [
  'hard_never',
  'soft_later',
  'fix_data',
  'sca_required',
  'not_authenticated',
  'generic',
  'issuer_unavailable',
  'psp_risk',
] as const;

export type DeclineClass = (typeof declineClasses)[number];

/** Goes up when a row below changes, and is named by its source and edition. */
export const declineTableVersion = 3;

const rows = (byClass: Partial<Record<DeclineClass, readonly string[]>>): [string, DeclineClass][] =>
  declineClasses.flatMap((declineClass) =>
    (byClass[declineClass] ?? []).map((code): [string, DeclineClass] => [code, declineClass]),
  );

/** By `decline_code`, else by `code`. Source: Stripe, "Decline codes" and "Error codes", edition of 2026-10. */
const stripeTable: ReadonlyMap<string, DeclineClass> = new Map(
  rows({
    hard_never: [
      'lost_card',
      'stolen_card',
      'pickup_card',
      'restricted_card',
      'incorrect_number',
      'invalid_number',
      'invalid_account',
      'card_not_supported',
      'currency_not_supported',
      'not_permitted',
      'transaction_not_allowed',
      'stop_payment_order',
      'revocation_of_authorization',
      'revocation_of_all_authorizations',
      'security_violation',
    ],
    soft_later: [
      'insufficient_funds',
      'withdrawal_count_limit_exceeded',
      'card_velocity_exceeded',
      'pin_try_exceeded',
      'approve_with_id',
      'invalid_amount',
      'duplicate_transaction',
    ],
    fix_data: [
      'expired_card',
      'incorrect_cvc',
      'invalid_cvc',
      'invalid_expiry_month',
      'invalid_expiry_year',
      'incorrect_zip',
      'incorrect_address',
      'incorrect_pin',
      'invalid_pin',
    ],
    sca_required: ['authentication_required', 'offline_pin_required', 'online_or_offline_pin_required'],
    not_authenticated: ['payment_intent_authentication_failure', 'authentication_not_handled'],
    generic: [
      'generic_decline',
      'do_not_honor',
      'do_not_try_again',
      'call_issuer',
      'card_declined',
      'no_action_taken',
      'service_not_allowed',
      'try_again_later',
    ],
    issuer_unavailable: ['processing_error', 'issuer_not_available', 'reenter_transaction'],
    psp_risk: ['fraudulent', 'merchant_blacklist', 'testmode_decline', 'highest_risk_level'],
  }),
);

/** By `refusalReasonCode`. Source: Adyen, "Refusal reasons", edition of 2026. */
const adyenTable: ReadonlyMap<string, DeclineClass> = new Map(
  rows({
    hard_never: ['5', '8', '17', '22', '23', '25', '26', '34', '37', '39', '41', '46'],
    soft_later: ['7', '12', '28', '29', '32', '36'],
    fix_data: ['6', '14', '18', '19', '21', '24', '40'],
    sca_required: ['38', '42'],
    not_authenticated: ['11', '15'],
    generic: ['2', '3', '10', '16', '27', '33'],
    issuer_unavailable: ['4', '9'],
    psp_risk: ['20', '31'],
  }),
);

const checkoutTable: ReadonlyMap<string, DeclineClass> = new Map(rows(checkoutDeclineCodes));

const tables = { stripe: stripeTable, adyen: adyenTable, checkout: checkoutTable } as const;

export type RefusalCodes = {
  readonly dialect: keyof typeof tables;
  /** Most specific code first. */
  readonly codes: readonly (string | null | undefined)[];
  /** Lower-case scheme name, where the PSP tells it. */
  readonly network: string | null;
  readonly networkCode: string | null;
  /** The network's advice on trying again. */
  readonly adviceCode?: string | null;
};

/** A code that no table knows is `generic`: neutral to the player, and tried once elsewhere. */
export function classifyDecline(refusal: RefusalCodes): DeclineClass {
  const word = networkWord(refusal.network, refusal.networkCode, refusal.adviceCode ?? null);
  if (word !== null) return word;
  for (const code of refusal.codes) {
    const row = code ? tables[refusal.dialect].get(code) : undefined;
    if (row) return row;
  }
  return 'generic';
}

/** True where another PSP may be asked after a proven decline. */
export function mayCascade(declineClass: DeclineClass): boolean {
  switch (declineClass) {
    case 'generic':
    case 'issuer_unavailable':
      return true;
    case 'hard_never':
    case 'soft_later':
    case 'fix_data':
    case 'sca_required':
    case 'not_authenticated':
    case 'psp_risk':
      return false;
  }
}
