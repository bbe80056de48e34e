/** Every way this PSP can treat a payment: what happens to the money, and what the caller hears about it. */
import { z } from 'zod';
import type { DeclineName } from './declines.ts';

/** answer: as it should be; silence: the connection hangs, then breaks; drop: it breaks at once. */
export type Delivery = 'answer' | 'silence' | 'error500' | 'drop';

type Outcome =
  | {
      kind:
        | 'approved'
        | 'challenge'
        | 'challenge_if_asked'
        | 'challenge_then_decline'
        | 'rejected'
        | 'decoupled'
        | 'processing'
        | 'late'
        | 'nothing';
    }
  /** Without a challenge, with this answer of the issuer's. */
  | { kind: 'authenticated'; status: 'Y' | 'A' | 'U' | 'I' }
  | { kind: 'declined' | 'declined_then_charged'; decline: DeclineName };

export interface Behaviour {
  outcome: Outcome;
  delivery: Delivery;
  payoutFails?: true;
  refundFails?: true;
  captureFails?: true;
}

const declined = (decline: DeclineName): Behaviour => ({
  outcome: { kind: 'declined', decline },
  delivery: 'answer',
});
const authenticated = (status: 'Y' | 'A' | 'U' | 'I'): Behaviour => ({
  outcome: { kind: 'authenticated', status },
  delivery: 'answer',
});
const does = (
  kind: Exclude<Outcome['kind'], 'declined' | 'declined_then_charged' | 'authenticated'>,
  delivery: Delivery = 'answer',
): Behaviour => ({
  outcome: { kind },
  delivery,
});

export const behaviours = {
  success: does('approved'),
  challenge: does('challenge'),
  /** Soft decline, unless the caller asks for 3-D Secure: then a challenge. */
  sca_required: does('challenge_if_asked'),
  decline_generic: declined('generic'),
  decline_insufficient_funds: declined('insufficient_funds'),
  decline_expired: declined('expired'),
  decline_invalid_card: declined('invalid_card'),
  decline_lost: declined('lost'),
  decline_stolen: declined('stolen'),
  risk_block: declined('risk_block'),
  technical_decline: declined('technical'),
  /** Accepted, the result comes later. */
  processing: does('processing'),
  /** Nothing is to be found for a while, then the charge appears. */
  late_success: does('late', 'drop'),
  /** A PSP that was wrong about its no: what was declined is charged a while later. */
  declined_then_charged: {
    outcome: { kind: 'declined_then_charged', decline: 'technical' },
    delivery: 'answer',
  },
  timeout_not_charged: does('nothing', 'silence'),
  timeout_charged: does('approved', 'silence'),
  error_500_charged: does('approved', 'error500'),
  drop_charged: does('approved', 'drop'),
  payout_fails: { ...does('approved'), payoutFails: true },
  refund_fails: { ...does('approved'), refundFails: true },
  frictionless: authenticated('Y'),
  attempted: authenticated('A'),
  unavailable: authenticated('U'),
  informational: authenticated('I'),
  rejected: does('rejected'),
  /** The issuer asks its customer by itself; the answer comes later. */
  decoupled: does('decoupled'),
  /** Authenticated, and refused by the issuer all the same. */
  challenge_then_decline: does('challenge_then_decline'),
  capture_fails: { ...does('approved'), captureFails: true },
} as const satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof behaviours;

export const behaviourName = z.enum(Object.keys(behaviours) as [BehaviourName, ...BehaviourName[]]);

export function behaviourOf(name: BehaviourName): Behaviour {
  return behaviours[name];
}
