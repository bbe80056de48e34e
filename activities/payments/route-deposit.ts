/**
 * Decides in which order a deposit tries the PSPs, and keeps the decision: the rules' order among the PSPs that the
 * brand offers and the card has a token for. Without live rules the brand's list decides.
 */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { KycLevel } from '#domain/kyc/levels.ts';
import type { Units } from '#domain/money.ts';
import { routeDeposit, type Routed } from '#domain/payments/routing.ts';
import { routedPsps, routingCatalogue } from '#domain/payments/routing-fields.ts';
import { toStoredFacts } from '#domain/rules/facts.ts';
import type { Facts, RuleValue } from '#domain/rules/rule-types.ts';
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
};

type PlayerFacts = {
  readonly country: string;
  readonly accountAgeUs: bigint;
  readonly nowUs: bigint;
  readonly deposits: bigint;
  readonly cardBrand: string | null;
};

export type RoutingInputs = {
  readonly rules: DepositRules;
  readonly health: ReadonlyMap<string, PspHealth>;
  /** Null when there is no such player, or no rules that could ask. */
  readonly player: PlayerFacts | null;
};

/** One statement of its own; rules and health come from the process's memory most of the time. */
export async function readRoutingInputs(db: Database, request: RoutingRequest): Promise<RoutingInputs> {
  const [rules, health, player] = await Promise.all([
    currentDepositRules(db, request.brand),
    pspHealth(db),
    readPlayer(db, request),
  ]);
  return { rules, health, player };
}

async function readPlayer(
  db: Database,
  { playerId, tokens }: Pick<RoutingRequest, 'playerId' | 'tokens'>,
): Promise<PlayerFacts | null> {
  const { rows } = await sql<PlayerFacts>`
    select p.country,
      (extract(epoch from now() - p.registered_at) * 1000000)::bigint as account_age_us,
      (extract(epoch from now()) * 1000000)::bigint as now_us,
      (select count(*) from (
         select from payments.deposit d where d.player_id = p.id and d.state = 'captured' limit 100) counted) as deposits,
      (select i.card_brand from payments.instrument i
       where i.player_id = p.id and i.token = any (${tokens.map(({ token }) => token)}::text[])
       order by i.created_at desc limit 1) as card_brand
    from pam.player p where p.id = ${playerId}
  `.execute(db);
  return rows[0] ?? null;
}

export type RouteDecision = Routed & {
  readonly versionId: string;
  readonly facts: Facts;
  readonly shadow: { readonly versionId: string; readonly psps: readonly string[] } | null;
  readonly tookUs: number;
};

/** Null when no rules are live: the brand's own order stands. */
export function decideRoute(
  { rules, health, player }: RoutingInputs,
  request: RoutingRequest,
  more: { readonly amount: Units; readonly kycLevel: KycLevel },
): RouteDecision | null {
  const { live, shadow } = rules.routing;
  if (live === null || player === null) return null;
  const startedAtMs = performance.now();
  const facts = factsOf(request, player, health, more);
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
  more: { readonly amount: Units; readonly kycLevel: KycLevel },
): ThreeDsDecision | null {
  if (player === null || request.method !== 'card') return null;
  return decideThreeDs(rules.threeDs, depositFacts(request, player, more));
}

function depositFacts(
  request: RoutingRequest,
  player: PlayerFacts,
  { amount, kycLevel }: { readonly amount: Units; readonly kycLevel: KycLevel },
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
    ['card.brand', player.cardBrand],
  ]);
}

function factsOf(
  request: RoutingRequest,
  player: PlayerFacts,
  health: ReadonlyMap<string, PspHealth>,
  more: { readonly amount: Units; readonly kycLevel: KycLevel },
): Facts {
  const facts = depositFacts(request, player, more);
  for (const psp of routedPsps) {
    const known = health.get(psp);
    facts.set(`psp.${psp}.attempts`, known?.attempts ?? 0n);
    facts.set(`psp.${psp}.approvedBps`, known?.approvedBps ?? null);
    facts.set(`psp.${psp}.unreachableBps`, known?.unreachableBps ?? null);
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
