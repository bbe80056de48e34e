/**
 * Decides in which order a deposit tries the PSPs, and keeps the decision: the rules' order among the PSPs that the
 * brand offers and the card has a token for. Without live rules the brand's list decides.
 */
import type { Database, Trx } from '#db/connect.ts';
import type { KycLevel } from '#domain/kyc/levels.ts';
import type { Units } from '#domain/money.ts';
import { routeDeposit, type Routed } from '#domain/payments/routing.ts';
import { routedPsps, routingCatalogue } from '#domain/payments/routing-fields.ts';
import { toStoredFacts } from '#domain/rules/facts.ts';
import type { Facts, RuleValue } from '#domain/rules/rule-types.ts';
import type { PayerFacts } from './payer-facts.ts';
import { expectedFee, feeBps, type FeeTerm } from '#domain/payments/settlement.ts';
import { currentChargeTerms } from './charge-terms.ts';
import { pspHealth, type PspHealth } from './psp-health.ts';
import { decideThreeDs, threeDsInsert, type ThreeDsDecision } from './decide-three-ds.ts';
import { currentDepositRules, type DepositRules } from './routing-rules.ts';

export type RoutingRequest = {
  readonly depositId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly asset: string;
  readonly method: 'card' | 'e-wallet';
  readonly tokens: readonly { readonly token: string }[];
  readonly sessionId: string | null;
  readonly ip: string | null;
  readonly billingCountry?: string;
};

export type RoutingInputs = {
  readonly rules: DepositRules;
  readonly health: ReadonlyMap<string, PspHealth>;
  readonly chargeTerms: ReadonlyMap<string, FeeTerm>;
  /** Null when there is no such player. */
  readonly player: PayerFacts | null;
};

/** What the deposit was found to be on the way here. */
export type RoutedPayment = {
  readonly amount: Units;
  readonly kycLevel: KycLevel;
  /** In years; null where the date of birth cannot be read. */
  readonly age: number | null;
};

/** From the process's memory most of the time. */
export async function recallRouting(db: Database, brand: string): Promise<Omit<RoutingInputs, 'player'>> {
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
  { rules, health, chargeTerms, player }: RoutingInputs,
  request: RoutingRequest,
  more: RoutedPayment,
): RouteDecision | null {
  const { live, shadow } = rules.routing;
  if (live === null || player === null) return null;
  const startedAtMs = performance.now();
  const facts = factsOf(request, player, { health, chargeTerms }, more);
  const routed = routeDeposit(live.rules, facts, request.depositId);
  return {
    ...routed,
    versionId: live.id,
    facts,
    shadow:
      shadow === null
        ? null
        : { versionId: shadow.id, psps: routeDeposit(shadow.rules, facts, request.depositId).psps },
    tookUs: Math.round((performance.now() - startedAtMs) * 1_000),
  };
}

/** Null where no rules are live, and for a wallet, which nobody authenticates by 3-D Secure. */
export function decideAuthentication(
  { rules, player }: RoutingInputs,
  request: RoutingRequest,
  more: RoutedPayment,
): ThreeDsDecision | null {
  if (player === null || request.method !== 'card') return null;
  return decideThreeDs(rules.threeDs, depositFacts(request, player, more));
}

function depositFacts(
  request: RoutingRequest,
  player: PayerFacts,
  { amount, kycLevel, age }: RoutedPayment,
): Map<string, RuleValue> {
  return new Map<string, RuleValue>([
    ['brand', request.brand],
    ['jurisdiction', request.jurisdiction],
    ['method', request.method],
    ['currency', request.asset],
    [`amount.${request.asset}`, amount],
    ['requestedAt', player.nowUs],
    ['player.country', player.country],
    ['player.kycLevel', kycLevel],
    ['player.accountAge', player.accountAgeUs],
    ['player.deposits', player.deposits],
    ['player.tier', player.tier],
    ['player.age', age === null ? null : BigInt(age)],
    ['player.fraudScore', player.fraudScore],
    ['ip.country', player.ipCountry],
    ['billing.country', request.billingCountry ?? null],
    ['card.brand', player.cardBrand],
    ['card.bin', player.cards[0]?.bin ?? null],
    ['card.country', player.cards[0]?.country ?? null],
    ['card.type', player.cards[0]?.type ?? null],
    ['bank.name', player.cards[0]?.issuer ?? null],
    ['bank.country', player.cards[0]?.issuerCountry ?? null],
    ['list.grey', player.listed.some(({ list }) => list === 'grey')],
    ['list.white', player.listed.some(({ list }) => list === 'white')],
    ['uses.player24h', player.uses.player],
    ['uses.card24h', player.cards.length === 0 ? null : player.uses.card],
    ['uses.device1h', player.deviceId === null ? null : player.uses.device],
    ['uses.ip1h', request.ip === null ? null : player.uses.ip],
    ['uses.ipDeclinedCards1h', request.ip === null ? null : player.uses.ipDeclinedCards],
  ]);
}

function factsOf(
  request: RoutingRequest,
  player: PayerFacts,
  { health, chargeTerms }: Pick<RoutingInputs, 'health' | 'chargeTerms'>,
  more: RoutedPayment,
): Facts {
  const facts = depositFacts(request, player, more);
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

/** Writes both decisions in the transaction of their deposit, in one statement. */
export async function recordDecisions(
  trx: Trx,
  { depositId, brand }: Pick<RoutingRequest, 'depositId' | 'brand'>,
  decision: RouteDecision | null,
  threeDs: ThreeDsDecision | null,
): Promise<void> {
  if (decision === null) {
    if (threeDs !== null) await threeDsInsert(trx, depositId, brand, threeDs).execute();
    return;
  }
  const writer =
    threeDs === null
      ? trx
      : trx.with('authentication', (inner) => threeDsInsert(inner, depositId, brand, threeDs));
  await writer
    .insertInto('payments.routingDecision')
    .values({
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
    })
    .execute();
}
