/** Scores a payment by the live scorecard of its brand, in the payment's own transaction, and keeps what it was scored on. */
import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { readPayer, type PayerFacts } from '#activities/payments/payer-facts.ts';
import type { LiveRules } from '#activities/payments/routing-rules.ts';
import { underTrial } from '#activities/payments/unreadable-rules.ts';
import { publicAddress } from '#activities/public-address.ts';
import type { Trx } from '#db/connect.ts';
import type { KycLevel } from '#domain/kyc/levels.ts';
import { bandOf, scoreBy, type Score, type ScoreBand, type ScorePoints } from '#domain/risk/scorecard.ts';
import { scorecardCatalogue } from '#domain/risk/scorecard-fields.ts';
import { toStoredFacts } from '#domain/rules/facts.ts';
import type { Facts, RuleValue } from '#domain/rules/rule-types.ts';

export type ScoredPayment = {
  /** `deposit:{id}`, `withdrawal:{id}` or, before its payout, `withdrawal:{id}:payout`. */
  readonly subject: string;
  readonly flow: 'deposit' | 'withdrawal';
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly method: string;
  readonly asset: string;
  /** Units at ledger scale. */
  readonly amount: bigint;
  readonly kycLevel: KycLevel;
  readonly sessionId: string | null;
  readonly ip: string | null;
};

export type Scoring = {
  readonly subject: string;
  readonly playerId: string;
  readonly brand: string;
  readonly versionId: string;
  readonly version: number;
  readonly computed: Score;
  /** Given by somebody and in force: it stands before the computed one. */
  readonly given: number | null;
  readonly score: number;
  readonly band: ScoreBand;
  readonly facts: Facts;
  readonly shadow: { readonly versionId: string; readonly computed: number } | null;
  readonly tookUs: number;
};

const count = z.number().transform((value) => BigInt(value));
const factsSchema = z.object({
  linkedDevice: count,
  linkedIp: count.nullable(),
  usualBps: count.nullable(),
  declines: count,
  declinedCards: count,
  chargebacks: count,
  fraudReports: count,
  linkedFraud: count,
});

/** What a score is made of beside the payer's facts; as a part of somebody's statement. */
export const riskFactsOf = ({
  playerId,
  ip,
  asset,
  amount,
}: Pick<ScoredPayment, 'playerId' | 'ip' | 'asset' | 'amount'>): RawBuilder<unknown> =>
  sql`risk.facts_of_payment(${playerId}::uuid, ${publicAddress(ip)}::inet, ${asset}, ${amount.toString()}::numeric)`;

/** Null where no scorecard is live, or the player is not there. Reads, and writes nothing: `recordScoring` does. */
export async function scorePayment(
  trx: Trx,
  rules: LiveRules<ScorePoints>,
  payment: ScoredPayment,
): Promise<Scoring | null> {
  if (rules.live === null) return null;
  const payer = await readPayer(trx, { ...payment, tokens: [] });
  const { rows } = await sql<{ risk: unknown }>`select ${riskFactsOf(payment)} as risk`.execute(trx);
  return scoringOf(rules, payment, payer, rows[0]?.risk);
}

/**
 * As `scorePayment`, from facts that the caller has read in the same transaction.
 * @param risk what `riskFactsOf` gave
 */
export function scoringOf(
  { live, shadow }: LiveRules<ScorePoints>,
  payment: ScoredPayment,
  player: PayerFacts | null,
  risk: unknown,
): Scoring | null {
  if (live === null || player === null) return null;
  const startedAtMs = performance.now();
  const facts = factsOf(payment, player, factsSchema.parse(risk));
  const computed = scoreBy(live.rules, facts);
  const given = player.fraudScore === null ? null : Number(player.fraudScore);
  const score = given ?? computed.score;
  return {
    subject: payment.subject,
    playerId: payment.playerId,
    brand: payment.brand,
    versionId: live.id,
    version: live.version,
    computed,
    given,
    score,
    band: bandOf(live.rules, score),
    facts,
    shadow:
      shadow === null
        ? null
        : underTrial(shadow, { ruleSet: 'risk.fraud-scorecard', brand: payment.brand }, () => ({
            versionId: shadow.id,
            computed: scoreBy(shadow.rules, facts).score,
          })),
    tookUs: Math.round((performance.now() - startedAtMs) * 1_000),
  };
}

function factsOf(payment: ScoredPayment, player: PayerFacts, more: z.infer<typeof factsSchema>): Facts {
  const cards = player.cards.flatMap(({ issuerCountry, country }) => issuerCountry ?? country ?? []);
  const isOnline = publicAddress(payment.ip) !== null;
  const ipCountry = isOnline ? player.ipCountry : null;
  return new Map<string, RuleValue>([
    ['brand', payment.brand],
    ['jurisdiction', payment.jurisdiction],
    ['flow', payment.flow],
    ['method', payment.method],
    ['currency', payment.asset],
    ['amount.usualBps', more.usualBps],
    ['player.country', player.country],
    ['player.kycLevel', payment.kycLevel],
    ['player.accountAge', player.accountAgeUs],
    ['player.deposits', player.deposits],
    ['ip.country', ipCountry],
    ['mismatch.ip', ipCountry === null ? null : ipCountry !== player.country],
    ['mismatch.card', cards.length === 0 ? null : cards.some((country) => country !== player.country)],
    ['linked.device', more.linkedDevice],
    ['linked.ip24h', more.linkedIp],
    ['uses.player24h', player.uses.player],
    ['uses.device1h', player.deviceId === null ? null : player.uses.device],
    ['uses.ip1h', isOnline ? player.uses.ip : null],
    ['uses.ipDeclinedCards1h', isOnline ? player.uses.ipDeclinedCards : null],
    ['declines.player24h', more.declines],
    ['declines.cards24h', more.declinedCards],
    ['history.chargebacks', more.chargebacks],
    ['history.fraudReports', more.fraudReports],
    ['history.linkedFraud', more.linkedFraud],
  ]);
}

/** Once per subject: what was scored first stays. As a part of somebody's statement. */
export const scoringInsert = (trx: Pick<Trx, 'insertInto'>, scoring: Scoring) =>
  trx
    .insertInto('risk.scoring')
    .values({
      subject: scoring.subject,
      playerId: scoring.playerId,
      brand: scoring.brand,
      ruleVersionId: scoring.versionId,
      computed: scoring.computed.score,
      given: scoring.given,
      band: scoring.band,
      points: JSON.stringify(scoring.computed.points),
      inputs: JSON.stringify(toStoredFacts(scorecardCatalogue, scoring.facts)),
      trace: JSON.stringify(scoring.computed.trace),
      shadowVersionId: scoring.shadow?.versionId ?? null,
      shadowComputed: scoring.shadow?.computed ?? null,
      tookUs: scoring.tookUs,
    })
    .onConflict((conflict) => conflict.column('subject').doNothing());

export async function recordScoring(trx: Trx, scoring: Scoring): Promise<void> {
  await scoringInsert(trx, scoring).execute();
}
