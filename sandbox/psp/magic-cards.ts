/** Card numbers that steer the sandbox. The number itself is looked at once, when a card is stored, and never kept. */
import type { BehaviourName } from './behaviours.ts';

export const magicCards: Readonly<Record<string, BehaviourName>> = {
  '4242424242424242': 'success',
  '5555555555554444': 'success',
  '4000000000003220': 'challenge',
  '4000002500003155': 'sca_required',
  '4000000000000002': 'decline_generic',
  '4000000000009995': 'decline_insufficient_funds',
  '4000000000000069': 'decline_expired',
  '4000000000770018': 'decline_invalid_card',
  '4000000000009987': 'decline_lost',
  '4000000000009979': 'decline_stolen',
  '4100000000000019': 'risk_block',
  '4000000000000119': 'technical_decline',
  '4000000000770026': 'timeout_not_charged',
  '4000000000770034': 'timeout_charged',
  '4000000000770042': 'error_500_charged',
  '4000000000770059': 'drop_charged',
  '4000000000770067': 'late_success',
  '4000000000770075': 'processing',
  '4000000000770083': 'payout_fails',
  '4000000000770091': 'declined_then_charged',
  '4000000000005126': 'refund_fails',
  '4000000000990012': 'frictionless',
  '4000000000990020': 'attempted',
  '4000000000990038': 'unavailable',
  '4000000000990046': 'rejected',
  '4000000000990053': 'informational',
  '4000000000990061': 'decoupled',
  '4000000000990079': 'challenge_then_decline',
  '4000000000990087': 'capture_fails',
  '5555555555990010': 'frictionless',
};

export function behaviourOfCardNumber(number: string): BehaviourName {
  return magicCards[number] ?? 'success';
}

export function cardBrand(number: string): 'visa' | 'mastercard' | 'amex' | undefined {
  if (/^4\d{15}$/.test(number)) return 'visa';
  if (/^(5[1-5]\d{14}|2[2-7]\d{14})$/.test(number)) return 'mastercard';
  if (/^3[47]\d{13}$/.test(number)) return 'amex';
  return undefined;
}

export function passesLuhn(number: string): boolean {
  if (!/^\d{12,19}$/.test(number)) return false;
  let sum = 0;
  for (let index = 0; index < number.length; index += 1) {
    let digit = Number(number[number.length - 1 - index]);
    if (index % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 === 0;
}
