/** Which methods a player can pay in with, with what amounts, and why a method is not there: one computation for the list and for the deposit itself. */
import type { KycLevel } from '../kyc/levels.ts';
import type { Facts } from '../rules/rule-types.ts';
import type { ChainName } from './crypto/chains.ts';
import type { DepositTerms } from './crypto/deposit-policy.ts';
import {
  amountRange,
  methodGap,
  rulesFor,
  type AmountRange,
  type MethodGap,
  type PayInMethod,
  type PaymentRule,
} from './payment-rules.ts';

export type ChainOffer = {
  readonly network: ChainName;
  /** Null for the chain's own coin. */
  readonly contract: string | null;
  readonly terms: DepositTerms;
  /** `delayed`: the chain has not been read for a while; what is sent is credited once it is. */
  readonly state: 'available' | 'delayed';
};

export type MethodOffer = {
  readonly method: PayInMethod;
  readonly asset: string;
  /** In the order of the brand; empty where none is needed. */
  readonly psps: readonly string[];
  /** Of the method `crypto`. */
  readonly chain?: ChainOffer;
};

export type PspReach = {
  readonly attempts: bigint;
  /** Null when there are too few attempts to say. */
  readonly unreachableBps: bigint | null;
};

export type MethodView = MethodOffer & {
  readonly range: AmountRange;
  /** No PSP of it has been reached lately. It stays on offer: the next deposit is what finds out that one is back. */
  readonly isImpaired: boolean;
  /** Null when the player may use it. */
  readonly missing: MethodGap | null;
};

/** Nothing of the last minutes reached it. A single answer is enough to be there again. */
export const isDown = (reach: PspReach | undefined): boolean => reach?.unreachableBps === 10_000n;

/** `gap` is what the rules of eligibility say; `facts` are those that conditions of limits are asked on. */
export function viewMethod(
  offer: MethodOffer,
  payer: { readonly jurisdiction: string; readonly country: string | null; readonly kycLevel: KycLevel },
  rules: readonly PaymentRule[],
  health: ReadonlyMap<string, PspReach>,
  { facts, gap }: { readonly facts: Facts | null; readonly gap: MethodGap | null } = {
    facts: null,
    gap: null,
  },
): MethodView {
  const scope = { flow: 'deposit', ...payer, method: offer.method, asset: offer.asset } as const;
  const own = rulesFor(rules, scope, new Set(), facts);
  const [down, up] = [true, false].map((wanted) =>
    offer.psps.filter((psp) => isDown(health.get(psp)) === wanted),
  );
  const range = amountRange(own);
  const least = offer.chain?.terms.minimum;
  return {
    ...offer,
    psps: [...(up ?? []), ...(down ?? [])],
    range: least === undefined || (range.min ?? 0n) > least ? range : { ...range, min: least },
    isImpaired: (offer.psps.length > 0 && up?.length === 0) || offer.chain?.state === 'delayed',
    missing: gap ?? methodGap(own, payer.kycLevel),
  };
}
