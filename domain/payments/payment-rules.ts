/**
 * What a brand admits: least and greatest amounts, counts and sums in windows, different cards refused, methods that are
 * closed or need a level of identity. Rules of responsible gambling are elsewhere, and nothing in here lifts them.
 */
import { levelSatisfies, type KycLevel } from '../kyc/levels.ts';
import { toMoneyText, type Units } from '../money.ts';
import type { Facts } from '../rules/rule-types.ts';
import { rampDirections } from './ramp.ts';
import { limitExceeded, type Probe, type Refusal, type Tally, type UseGuard } from './uses.ts';

export const paymentMeasures = [
  'amount-min',
  'amount-max',
  'count',
  'sum',
  'declined-cards',
  'closed',
  'kyc-level',
] as const;
export const paymentSubjects = ['payment', 'card', 'player', 'device', 'ip'] as const;
/** A ramp moves money that is here already: a flow of its own, so that nothing is counted twice. */
export const paymentFlows = ['deposit', 'withdrawal', 'ramp'] as const;
export const payInMethods = ['card', 'e-wallet', 'bank-transfer', 'crypto'] as const;
export const paymentMethods = [...payInMethods, ...rampDirections] as const;

export type PaymentFlow = (typeof paymentFlows)[number];
export type PaymentMethod = (typeof paymentMethods)[number];
/** What money comes in by. */
export type PayInMethod = (typeof payInMethods)[number];

export type PaymentRule = {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly flow: PaymentFlow;
  readonly measure: (typeof paymentMeasures)[number];
  readonly subject: (typeof paymentSubjects)[number];
  /** Null means every one, here and below. */
  readonly method: string | null;
  readonly jurisdiction: string | null;
  readonly country: string | null;
  readonly asset: string | null;
  readonly amount: Units | null;
  readonly countMax: number | null;
  readonly kycLevel: KycLevel | null;
  readonly windowS: number | null;
  /** Whom it applies to beyond its scope; null means everybody. */
  readonly condition?: LimitCondition | null;
};

export type LimitCondition = {
  /** As it was saved. */
  readonly tree: unknown;
  readonly holds: (facts: Facts) => boolean;
};

/** Whom and what a payment is about, as far as rules distinguish it. */
export type PaymentScope = {
  readonly flow: PaymentFlow;
  readonly method: PaymentMethod;
  readonly jurisdiction: string;
  readonly country: string | null;
  readonly asset: string;
};

/**
 * Those of the rules that speak of such a payment, without the ones that a white list skips. A condition is asked on what
 * is known of the payer; where nothing is (`facts` is null), the limit applies.
 */
export const rulesFor = (
  rules: readonly PaymentRule[],
  scope: PaymentScope,
  skips: ReadonlySet<string> = new Set(),
  facts: Facts | null = null,
): PaymentRule[] =>
  rules.filter(
    (rule) =>
      rule.flow === scope.flow &&
      (rule.method === null || rule.method === scope.method) &&
      (rule.jurisdiction === null || rule.jurisdiction === scope.jurisdiction) &&
      (rule.country === null || rule.country === scope.country) &&
      (rule.asset === null || rule.asset === scope.asset) &&
      (!rule.condition || facts === null || rule.condition.holds(facts)) &&
      !(isVelocity(rule) && skips.has(rule.name)),
  );

/** Only these may be skipped: what a method needs, and what one payment may move, holds for everybody. */
export const isVelocity = ({ measure }: Pick<PaymentRule, 'measure'>): boolean =>
  measure === 'count' || measure === 'sum' || measure === 'declined-cards';

export type AmountRange = { readonly min: Units | null; readonly max: Units | null };

/** The narrowest range of all rules. */
export function amountRange(rules: readonly PaymentRule[]): AmountRange {
  let min: Units | null = null;
  let max: Units | null = null;
  for (const { measure, amount } of rules) {
    if (amount === null) continue;
    if (measure === 'amount-min' && (min === null || amount > min)) min = amount;
    if (measure === 'amount-max' && (max === null || amount < max)) max = amount;
  }
  return { min, max };
}

/** Why a method is not there. `by` is for staff. */
export type MethodGap = { readonly reason: 'closed' | 'kyc-level'; readonly by: string };

/** Why the method is not there for this player, as the name of the first rule that says so; null when it is. */
export function methodGap(rules: readonly PaymentRule[], kycLevel: KycLevel): MethodGap | null {
  for (const rule of rules) {
    if (rule.measure === 'closed') return { reason: 'closed', by: nameOf(rule) };
    if (rule.measure === 'kyc-level' && rule.kycLevel !== null && !levelSatisfies(kycLevel, rule.kycLevel))
      return { reason: 'kyc-level', by: nameOf(rule) };
  }
  return null;
}

/** What can be judged without counting. */
export function checkPayment(
  rules: readonly PaymentRule[],
  payment: { readonly amount: Units; readonly asset: string; readonly kycLevel: KycLevel },
): Refusal | null {
  const gap = methodGap(rules, payment.kycLevel);
  if (gap !== null) return refusalOf(gap);
  const { min, max } = amountRange(rules);
  const { amount, asset } = payment;
  if (min !== null && amount < min)
    return {
      code: 'amount-below-minimum',
      detail: `The least amount is ${textOf(min, asset)}.`,
      by: 'amount-min',
    };
  if (max !== null && amount > max)
    return {
      code: 'amount-above-maximum',
      detail: `The greatest amount is ${textOf(max, asset)}.`,
      by: 'amount-max',
    };
  return null;
}

/** What the player hears of it. */
export const refusalOf = ({ reason, by }: MethodGap): Refusal =>
  reason === 'kyc-level'
    ? { code: 'identity-not-verified', detail: 'This method needs a verified identity.', by }
    : {
        code: 'payment-method-unavailable',
        detail: 'This method is not offered for your country and currency.',
        by,
      };

const textOf = (amount: Units, asset: string): string => `${toMoneyText(amount, asset).amount} ${asset}`;

export const nameOf = ({ name, version }: Pick<PaymentRule, 'name' | 'version'>): string =>
  `payment-rule:${name}:v${version}`;

/** On whom the payment is counted. What is not known is counted on nobody. */
export type PayerSubjects = {
  readonly playerId: string;
  readonly cardIds: readonly string[];
  readonly deviceId: string | null;
  readonly ip: string | null;
};

/** Subjects of every use that is written, whether a rule asks for them today or tomorrow. */
export const subjectsOf = ({ playerId, cardIds, deviceId, ip }: PayerSubjects): string[] => [
  ...cardIds.map((id) => `card:${id}`),
  `player:${playerId}`,
  ...(deviceId === null ? [] : [`device:${deviceId}`]),
  ...(ip === null ? [] : [`ip:${ip}`]),
];

/** Probes and judges of the rules that count. */
export const velocityGuards = (
  rules: readonly PaymentRule[],
  payer: PayerSubjects,
  amount: Units,
): UseGuard[] =>
  rules.filter(isVelocity).flatMap((rule) =>
    subjectsOf(payer)
      .filter((subject) => subject.startsWith(`${rule.subject}:`))
      .map((subject): UseGuard => ({
        probe: probeOf(rule, subject),
        judge: (tally) => judge(rule, tally, amount),
      })),
  );

function probeOf(rule: PaymentRule, subject: string): Probe {
  const scope = {
    subject,
    windowS: rule.windowS,
    flow: rule.flow,
    ...(rule.method === null ? {} : { method: rule.method }),
    ...(rule.asset === null ? {} : { asset: rule.asset }),
  };
  switch (rule.measure) {
    // A proven decline gives its sum back; an unknown outcome keeps it.
    case 'sum':
      return { ...scope, states: ['open', 'approved'] };
    case 'declined-cards':
      return { ...scope, states: ['declined'] };
    default:
      return { ...scope, states: ['open', 'approved', 'declined'] };
  }
}

function judge(rule: PaymentRule, tally: Tally, amount: Units): Refusal | null {
  const by = nameOf(rule);
  switch (rule.measure) {
    case 'sum':
      if (rule.amount === null || tally.total + amount <= rule.amount) return null;
      // More than the limit at once never fits, whenever it is tried.
      return limitExceeded(
        by,
        'The limit of what may be paid in this time is reached.',
        amount > rule.amount ? null : tally.nextS,
      );
    case 'count':
      return rule.countMax === null || tally.payments < rule.countMax
        ? null
        : limitExceeded(by, 'The number of payments in this time is reached.', tally.nextS);
    case 'declined-cards':
      return rule.countMax === null || tally.cards < rule.countMax
        ? null
        : limitExceeded(by, 'Too many payments did not succeed; try again later.', tally.nextS);
    default:
      return null;
  }
}
