/**
 * Decides in which order a deposit tries the PSPs, and keeps the decision: the rules' order among the PSPs that the
 * brand offers and the card has a token for. Without live rules the brand's list decides.
 */
import type { Database, Trx } from '#db/connect.ts';
import { assert } from '#domain/failures.ts';
import type { KycLevel } from '#domain/kyc/levels.ts';
import type { Units } from '#domain/money.ts';
import { mergeOrders, routeDeposit, type Routed } from '#domain/payments/routing.ts';
import { routedPsps, routingCatalogue } from '#domain/payments/routing-fields.ts';
import { toStoredFacts } from '#domain/rules/facts.ts';
import type { Facts } from '#domain/rules/rule-types.ts';
import type { PayerFacts } from './payer-facts.ts';
import { expectedFee, feeBps, type FeeTerm } from '#domain/payments/settlement.ts';
import { currentChargeTerms } from './charge-terms.ts';
import { pspHealth, type PspHealth } from './psp-health.ts';
import { decideThreeDs, type ThreeDsDecision } from './decide-three-ds.ts';
import { depositFacts, onlyCard, unknownCard, type CardAt } from './payment-facts.ts';
import { currentDepositRules, type DepositRules } from './routing-rules.ts';
import { underTrial } from './unreadable-rules.ts';

export type RoutingRequest = {
  readonly depositId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly asset: string;
  readonly method: 'card' | 'e-wallet';
  readonly tokens: readonly { readonly psp: string; readonly token: string }[];
  readonly sessionId: string | null;
  readonly ip: string | null;
  readonly billingCountry?: string;
};

export type RoutingInputs = {
  readonly rules: Pick<DepositRules, 'routing' | 'threeDs'>;
  readonly health: ReadonlyMap<string, PspHealth>;
  readonly chargeTerms: ReadonlyMap<string, FeeTerm>;
  /** Null when there is no such player. */
  readonly player: PayerFacts | null;
  /** Which card each PSP would be given; null where the tokens are not known to be of more than one. */
  readonly cardsAt: CardsAt | null;
  /** PSPs in the order of the brand. */
  readonly offered: readonly string[];
};

/** By PSP. Without an entry its token is of a card that no PSP has told about yet. */
export type CardsAt = ReadonlyMap<string, CardAt>;

/** What the deposit was found to be on the way here. */
export type RoutedPayment = {
  readonly amount: Units;
  readonly kycLevel: KycLevel;
  /** In years; null where the date of birth cannot be read. */
  readonly age: number | null;
};

/** From the process's memory most of the time. */
export async function recallRouting(
  db: Database,
  brand: string,
): Promise<Pick<RoutingInputs, 'health' | 'chargeTerms'> & { readonly rules: DepositRules }> {
  const [rules, health, chargeTerms] = await Promise.all([
    currentDepositRules(db, brand),
    pspHealth(db),
    currentChargeTerms(db),
  ]);
  return { rules, health, chargeTerms };
}

export type RouteDecision = Routed & {
  readonly versionId: string;
  readonly facts: Facts;
  readonly shadow: { readonly versionId: string; readonly psps: readonly string[] } | null;
  readonly tookUs: number;
};

/** Null when no rules are live: the brand's own order stands. */
export function decideRoute(
  { rules, health, chargeTerms, player, cardsAt, offered }: RoutingInputs,
  request: RoutingRequest,
  more: RoutedPayment,
): RouteDecision | null {
  const { live, shadow } = rules.routing;
  if (live === null || player === null) return null;
  const startedAtMs = performance.now();
  const groups = groupsOf(request, player, cardsAt).map(({ at, takes }) => ({
    takes,
    facts: factsOf(request, player, at, { health, chargeTerms }, more),
  }));
  const routeBy = (version: { readonly rules: typeof live.rules }) => {
    const routed = groups.map(({ takes, facts }) => ({
      takes,
      facts,
      ...routeDeposit(version.rules, facts, request.depositId),
    }));
    const [only, second] = routed;
    const psps = only !== undefined && second === undefined ? only.psps : mergeOrders(routed, offered);
    // What is kept beside the order is of the card that is tried first.
    const decisive = routed.find(({ takes }) => psps[0] !== undefined && takes.has(psps[0])) ?? only;
    assert(decisive !== undefined, 'a payment has facts, whatever its cards');
    return { ...decisive, psps };
  };
  const { takes: _, ...routed } = routeBy(live);
  return {
    ...routed,
    versionId: live.id,
    shadow:
      shadow === null
        ? null
        : underTrial(shadow, { ruleSet: 'payments.deposit-routing', brand: request.brand }, () => ({
            versionId: shadow.id,
            psps: routeBy(shadow).psps,
          })),
    tookUs: Math.round((performance.now() - startedAtMs) * 1_000),
  };
}

/** The different cards that the tokens are of, as far as they are known. */
export const cardsOf = (
  request: Pick<RoutingRequest, 'tokens'>,
  player: PayerFacts | null,
  cardsAt: CardsAt | null,
): readonly CardAt[] => (player === null ? [] : groupsOf(request, player, cardsAt).map(({ at }) => at));

/** Null where no rules are live, and for a wallet, which nobody authenticates by 3-D Secure. */
export function decideAuthentication(
  { rules, player, cardsAt }: RoutingInputs,
  request: RoutingRequest,
  more: RoutedPayment,
  firstPsp: string,
): ThreeDsDecision | null {
  if (player === null || request.method !== 'card') return null;
  const at = cardsAt === null ? onlyCard(player) : (cardsAt.get(firstPsp) ?? unknownCard);
  return decideThreeDs(rules.threeDs, depositFacts({ ...request, ...more }, player, at), request.brand);
}

/** The PSPs that would be given the same card, with what is known of it. */
function groupsOf(
  { tokens }: Pick<RoutingRequest, 'tokens'>,
  player: PayerFacts,
  cardsAt: CardsAt | null,
): readonly { readonly at: CardAt; readonly takes: ReadonlySet<string> }[] {
  if (cardsAt === null) return [{ at: onlyCard(player), takes: new Set(tokens.map(({ psp }) => psp)) }];
  const groups = new Map<string, { readonly at: CardAt; readonly takes: Set<string> }>();
  for (const { psp } of tokens) {
    const at = cardsAt.get(psp) ?? unknownCard;
    const name = `${at.card?.id ?? ''} ${at.brand ?? ''}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { at, takes: new Set([psp]) });
    else group.takes.add(psp);
  }
  return [...groups.values()];
}

function factsOf(
  request: RoutingRequest,
  player: PayerFacts,
  at: CardAt,
  { health, chargeTerms }: Pick<RoutingInputs, 'health' | 'chargeTerms'>,
  more: RoutedPayment,
): Facts {
  const facts = depositFacts({ ...request, ...more }, player, at);
  for (const psp of routedPsps) {
    const known = health.get(psp);
    facts.set(`psp.${psp}.attempts`, known?.attempts ?? 0n);
    facts.set(`psp.${psp}.approvedBps`, known?.approvedBps ?? null);
    facts.set(`psp.${psp}.unreachableBps`, known?.unreachableBps ?? null);
    const term = chargeTerms.get(psp);
    facts.set(
      `psp.${psp}.costBps`,
      term === undefined ? null : feeBps(more.amount, expectedFee(more.amount, request.asset, term)),
    );
  }
  return facts;
}

/** Not executed yet: it joins another statement. */
export const routingInsert = (
  trx: Pick<Trx, 'insertInto'>,
  depositId: string,
  brand: string,
  decision: RouteDecision,
) =>
  trx.insertInto('payments.routingDecision').values({
    depositId,
    brand,
    ruleVersionId: decision.versionId,
    inputs: JSON.stringify(toStoredFacts(routingCatalogue, decision.facts)),
    trace: JSON.stringify(decision.trace),
    rowName: decision.row,
    bucket: decision.bucket,
    psps: [...decision.psps],
    shadowVersionId: decision.shadow?.versionId ?? null,
    shadowPsps: decision.shadow === null ? null : [...decision.shadow.psps],
    tookUs: decision.tookUs,
  });
