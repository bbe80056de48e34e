/**
 * Decides in which order PSPs are asked to pay a leg, once, and keeps the decision: the rules' order among the PSPs
 * where the same instrument has paid in. Without live rules the PSP where the money came in is first.
 */
import { sql } from 'kysely';
import { z } from 'zod';
import type { Database, Trx } from '#db/connect.ts';
import { appendFacts } from '#activities/compliance/append-event.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { PayoutOption } from '#domain/payments/payout-cascade.ts';
import { payoutRoutingCatalogue } from '#domain/payments/payout-routing-fields.ts';
import { routeDeposit } from '#domain/payments/routing.ts';
import type { RoutingOutcome } from '#domain/payments/routing.schema.ts';
import { routedPsps } from '#domain/payments/routing-fields.ts';
import { toStoredFacts } from '#domain/rules/facts.ts';
import type { Facts, RuleValue } from '#domain/rules/rule-types.ts';
import type { WithdrawalRow } from './payment-rows.ts';
import { payoutHealth, type PspHealth } from './psp-health.ts';
import { toldOfPayout } from './record-decisions.ts';
import { currentPayoutRules, type LiveRules } from './routing-rules.ts';
import { underTrial } from './unreadable-rules.ts';
import { payoutOf, type LegRow } from './withdrawal-legs.ts';

export type PayoutRoutingInputs = {
  readonly rules: LiveRules<RoutingOutcome>;
  readonly health: ReadonlyMap<string, PspHealth>;
  /** PSPs that this installation has a connector of. */
  readonly connected: ReadonlySet<string>;
};

const optionsSchema = z.array(z.object({ psp: z.string(), token: z.string() }));

/** Read before the transaction: both come from the process's memory most of the time. */
export async function readPayoutRouting(
  db: Database,
  withdrawalId: string,
  psps: ReadonlyMap<string, unknown>,
): Promise<PayoutRoutingInputs> {
  const { brand } = await db
    .selectFrom('payments.withdrawal')
    .select('brand')
    .where('id', '=', withdrawalId)
    .executeTakeFirstOrThrow();
  const [rules, health] = await Promise.all([currentPayoutRules(db, brand), payoutHealth(db)]);
  return { rules, health, connected: new Set(psps.keys()) };
}

/** The leg's order as it was decided the first time. The withdrawal's row is locked by the caller. */
export async function payoutOptions(
  trx: Trx,
  row: WithdrawalRow,
  leg: LegRow,
  { rules, health, connected }: PayoutRoutingInputs,
): Promise<readonly PayoutOption[]> {
  const known = await trx
    .selectFrom('payments.payoutRoutingDecision')
    .select('options')
    .where('withdrawalId', '=', row.id)
    .where('leg', '=', leg.leg)
    .executeTakeFirst();
  const { source, method, cardBrand, tokens } = await readTokens(trx, leg.instrumentId, connected);
  if (known !== undefined) return stillProven(optionsSchema.parse(known.options), tokens);
  const startedAtMs = performance.now();
  const decided = { withdrawalId: row.id, leg: leg.leg, brand: row.brand };
  if (rules.live === null) {
    const psps = tokens.map(({ psp }) => psp);
    await trx
      .insertInto('payments.payoutRoutingDecision')
      .values({ ...decided, psps, options: JSON.stringify(tokens) })
      .execute();
    return tokens;
  }
  const facts = await factsOf(trx, row, leg, { source, method, cardBrand, health });
  const seed = `${row.id}:${leg.leg}`;
  const routed = routeDeposit(rules.live.rules, facts, seed);
  const trial = rules.shadow;
  const about = { ruleSet: 'payments.payout-routing', brand: row.brand };
  const shadow =
    trial === null ? null : underTrial(trial, about, () => routeDeposit(trial.rules, facts, seed));
  const ordered = routed.psps.flatMap((psp) => tokens.find((token) => token.psp === psp) ?? []);
  // A rule that names nobody who could pay must not keep a player's money: the source is left.
  const options = ordered.length > 0 ? ordered : tokens.slice(0, 1);
  await trx
    .insertInto('payments.payoutRoutingDecision')
    .values({
      ...decided,
      ruleVersionId: rules.live.id,
      inputs: JSON.stringify(toStoredFacts(payoutRoutingCatalogue, facts)),
      trace: JSON.stringify(routed.trace),
      rowName: routed.row,
      bucket: routed.bucket,
      psps: [...routed.psps],
      options: JSON.stringify(options),
      shadowVersionId: shadow === null ? null : (trial?.id ?? null),
      shadowPsps: shadow === null ? null : [...shadow.psps],
      tookUs: Math.round((performance.now() - startedAtMs) * 1_000),
    })
    .execute();
  const { id: paymentId, playerId, brand } = row;
  const told = { versionId: rules.live.id, facts, row: routed.row, seed, result: routed.psps };
  await appendFacts(trx, toldOfPayout({ paymentId, playerId, brand }, told));
  return options;
}

/** Older builds have decided on tokens that nobody had proven. */
function stillProven(
  decided: readonly PayoutOption[],
  tokens: readonly PayoutOption[],
): readonly PayoutOption[] {
  const left = decided.filter((one) =>
    tokens.some(({ psp, token }) => psp === one.psp && token === one.token),
  );
  return left.length > 0 ? left : tokens.slice(0, 1);
}

type Tokens = {
  /** Where the instrument is at home. */
  readonly source: string;
  readonly method: string;
  readonly cardBrand: string | null;
  /** The source first, then the other PSPs where the same card has paid in, the last one first. */
  readonly tokens: readonly PayoutOption[];
};

async function readTokens(trx: Trx, instrumentId: string, connected: ReadonlySet<string>): Promise<Tokens> {
  const instrument = await trx
    .selectFrom('payments.instrument')
    .select(['psp', 'kind', 'token', 'cardBrand'])
    .where('id', '=', instrumentId)
    .executeTakeFirstOrThrow();
  const others = instrument.kind === 'card' ? await sameCardElsewhere(trx, instrumentId) : [];
  return {
    source: instrument.psp,
    method: instrument.kind,
    cardBrand: instrument.cardBrand,
    tokens: [
      { psp: instrument.psp, token: instrument.token },
      ...others.filter(({ psp }) => connected.has(psp)),
    ],
  };
}

/**
 * Tokens that came with a deposit say nothing of whose card they are, and money goes back only to what paid in (closed
 * loop). So a token at another PSP counts once a deposit from it was captured, both charges told a fingerprint of one
 * card, and the details on both cards are the same: fingerprints of two PSPs are joined by the deposit that was offered
 * to both, which is the player's word.
 */
async function sameCardElsewhere(trx: Trx, instrumentId: string): Promise<readonly PayoutOption[]> {
  const { rows } = await sql<PayoutOption>`
    with paid as (
      select i.id, i.psp, i.token, i.last4, i.expiry_month, i.expiry_year, a.card_network, f.card_id, d.captured_at
      from payments.instrument i
      join payments.deposit d on d.instrument_id = i.id and d.state = 'captured'
      join payments.attempt a on a.deposit_id = d.id and a.number = d.captured_attempt
      join payments.card_fingerprint f on f.fingerprint = a.card_fingerprint
      where i.kind = 'card'
        and i.player_id = (select player_id from payments.instrument where id = ${instrumentId}))
    select psp, token from (
      select distinct on (other.psp) other.psp, other.token, other.captured_at
      from paid own join paid other using (card_id, last4, expiry_month, expiry_year)
      where own.id = ${instrumentId} and other.psp <> own.psp
        and other.card_network is not distinct from own.card_network
      order by other.psp, other.captured_at desc) newest
    order by captured_at desc, psp`.execute(trx);
  return rows.map(({ psp, token }) => ({ psp, token }));
}

async function factsOf(
  trx: Trx,
  row: WithdrawalRow,
  leg: LegRow,
  more: Omit<Tokens, 'tokens'> & { readonly health: ReadonlyMap<string, PspHealth> },
): Promise<Facts> {
  const player = await trx
    .selectFrom('pam.player')
    .select([
      'country',
      sql<bigint>`(extract(epoch from now() - registered_at) * 1000000)::bigint`.as('ageUs'),
      sql<bigint>`(extract(epoch from now()) * 1000000)::bigint`.as('nowUs'),
    ])
    .where('id', '=', row.playerId)
    .executeTakeFirstOrThrow();
  const facts = new Map<string, RuleValue>([
    ['brand', row.brand],
    ['jurisdiction', row.jurisdiction],
    ['method', more.method],
    ['currency', row.asset],
    [`amount.${row.asset}`, payoutOf(leg)],
    ['requestedAt', player.nowUs],
    ['source', more.source],
    ['player.country', player.country],
    ['player.kycLevel', await readKycLevel(trx, row.playerId)],
    ['player.accountAge', player.ageUs],
    ['card.brand', more.cardBrand],
  ]);
  for (const psp of routedPsps) {
    const known = more.health.get(psp);
    facts.set(`psp.${psp}.attempts`, known?.attempts ?? 0n);
    facts.set(`psp.${psp}.approvedBps`, known?.approvedBps ?? null);
    facts.set(`psp.${psp}.unreachableBps`, known?.unreachableBps ?? null);
  }
  return facts;
}
