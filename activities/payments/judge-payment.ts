/** What lists and the rules of a brand say to a payment before it is counted, and how it is to be counted. */
import { publicAddress } from '#activities/public-address.ts';
import type { KycLevel } from '#domain/kyc/levels.ts';
import { judgeLists } from '#domain/payments/lists.ts';
import {
  checkPayment,
  rulesFor,
  velocityGuards,
  type PaymentFlow,
  type PaymentMethod,
  type PaymentRule,
  type PayerSubjects,
} from '#domain/payments/payment-rules.ts';
import type { Refusal, UseGuard } from '#domain/payments/uses.ts';
import { limitFacts } from './payment-facts.ts';
import type { PayerFacts } from './payer-facts.ts';

export type JudgedPayment = {
  readonly refusal: Refusal | null;
  readonly isGrey: boolean;
  readonly cards: PayerFacts['cards'];
  readonly payer: PayerSubjects;
  readonly guards: readonly UseGuard[];
};

/**
 * Refusals: `payment-method-unavailable` (a black list, or a method that is closed here), `identity-not-verified`,
 * `amount-below-minimum`, `amount-above-maximum`. A black list is asked first, so that nobody learns from it by amounts.
 */
export function judgePayment(
  rules: readonly PaymentRule[],
  facts: PayerFacts | null,
  payment: {
    readonly flow: PaymentFlow;
    readonly method: PaymentMethod;
    readonly playerId: string;
    readonly brand: string;
    readonly jurisdiction: string;
    readonly asset: string;
    readonly amount: bigint;
    readonly kycLevel: KycLevel;
    readonly ip: string | null;
    /** In years, where it was read; limits that ask for it say what holds otherwise. */
    readonly age?: number | null;
  },
  /** What the rules of eligibility say, after black lists and before limits. */
  closed: Refusal | null = null,
): JudgedPayment {
  const { refusal, isGrey, skips } = judgeLists(facts?.listed ?? []);
  const known = facts === null ? null : limitFacts({ age: null, ...payment }, facts);
  const own = rulesFor(rules, { ...payment, country: facts?.country ?? null }, skips, known);
  const cards = facts?.cards ?? [];
  const payer = {
    playerId: payment.playerId,
    cardIds: cards.map(({ id }) => id),
    deviceId: facts?.deviceId ?? null,
    ip: publicAddress(payment.ip),
  };
  return {
    refusal: refusal ?? closed ?? checkPayment(own, payment),
    isGrey,
    cards,
    payer,
    guards: velocityGuards(own, payer, payment.amount),
  };
}
