/** Takes a deposit in: the row, its first attempt and the share of the player's limit, in one transaction. */
import { randomBytes } from 'node:crypto';
import { sql, type RawBuilder } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { recentProfile } from '#activities/compliance/profiles.ts';
import {
  admits,
  readLimitStanding,
  takeDepositLimit,
} from '#activities/responsible-gambling/commands/deposit-limit.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import { parsePayable, toMinorUnits, toMoneyText, type MoneyText } from '#domain/money.ts';
import { depositReference } from '#domain/payments/reference.ts';
import { retryGuards } from '#domain/payments/retry-rules.ts';
import { strictestWish } from '#domain/payments/three-ds.ts';
import { neutralRefusal, toFailure, type Refusal } from '#domain/payments/uses.ts';
import { riskFactsOf, scoringInsert, scoringOf, type Scoring } from '#activities/risk/score-payment.ts';
import type { ActivityDeps } from '../../deps.ts';
import { admit, claimPayer } from '../admission.ts';
import { ageOfPayer } from '../payer-age.ts';
import { cardsAtPsps } from '../cards-at-psps.ts';
import { judgeEligibility, type JudgedEligibility } from '../decide-eligibility.ts';
import { recordDecisions } from '../record-decisions.ts';
import { cardsOf, decideAuthentication, decideRoute, recallRouting } from '../route-deposit.ts';
import { recentRoute } from '../routes.ts';
import { currentScorecard } from '../routing-rules.ts';
import type { depositInputOf, DepositRow } from '../payment-rows.ts';
import { judgePayment } from '../judge-payment.ts';
import { currentPaymentRules, currentRetryRules } from '../payment-limits.ts';
import { takeUses } from '../payment-uses.ts';
import { openWorkItem } from './work-items.ts';

export type DepositRequest = {
  /** Made from the player and the idempotency key. */
  readonly depositId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: MoneyText;
  readonly method?: 'card' | 'e-wallet';
  /** Of a card, what each PSP calls it; of a wallet none. */
  readonly tokens: readonly { readonly psp: string; readonly token: string }[];
  /** The wallet's name, which every PSP of the route knows. */
  readonly wallet?: string;
  readonly returnUrl: string;
  readonly fingerprint: Buffer;
  /** Whose device and address the payment is counted on; left out where nobody is at the other end. */
  readonly origin?: PaymentOrigin;
  /** Of the billing address, where the payer said it. */
  readonly billingCountry?: string;
};

export type PaymentOrigin = { readonly sessionId: string | null; readonly ip: string | null };

/** Card interfaces carry eight digits of minor units. */
export const cardMinorUnitsMax = 99_999_999n;

/** What the workflow of a deposit that is about to be written can be started with. */
export type PlannedDeposit = ReturnType<typeof depositInputOf>;

/**
 * Inserts the deposit or finds the one that the key made before. `onPlanned` is told when nothing is left but to write
 * it, so that its workflow can be started meanwhile; a race for a limit may still refuse it. Without a `keyRing` rules
 * do not know the payer's age. Failures:
 * `idempotency-key-reused`, those of `parsePayable`, `email-not-verified`, `identity-not-verified`, `self-excluded`, `unsupported-asset`,
 * `payment-method-unavailable`, those of `judgePayment`, `payment-limit-exceeded`, and the deposit limit's.
 */
export async function requestDeposit(
  db: Database,
  request: DepositRequest,
  onPlanned?: (planned: PlannedDeposit) => void,
  keyRing?: ActivityDeps['keyRing'],
): Promise<Result<DepositRow>> {
  const amount = parsePayable(request.money);
  if (!amount.ok) return amount;
  if (toMinorUnits(amount.value, request.money.asset) > cardMinorUnitsMax) {
    return fail('amount-too-large', 'The amount is beyond what a card payment may move.');
  }
  const { method = 'card' } = request;
  const { sessionId = null, ip = null } = request.origin ?? {};
  const routing = { ...request, method, asset: request.money.asset, sessionId, ip };
  const payment = { payment: `deposit:${request.depositId}`, number: 1, flow: 'deposit', method } as const;
  const reservation = {
    depositId: request.depositId,
    playerId: request.playerId,
    asset: request.money.asset,
    amount: amount.value,
  };
  // Rules that need not be new, before the transaction: one that waited for a second connection could wait for ever.
  const [published, route, recalled, rules, retryRules, scorecard] = await Promise.all([
    recentProfile(db, request.jurisdiction),
    recentRoute(db, request.brand, method, request.money.asset),
    recallRouting(db, request.brand),
    currentPaymentRules(db, request.brand),
    currentRetryRules(db),
    currentScorecard(db, request.brand),
  ]);
  let refusal = null as Refusal | null;
  let eligibility = null as JudgedEligibility | null;
  let scoring = null as Scoring | null;
  const refuse = (by: Refusal): never => {
    refusal = by;
    throw new FailureError(toFailure(by));
  };
  const requested = await refusable(db, async (trx) => {
    const payer = orThrow(
      await claimPayer(
        trx,
        { ...routing, tokens: request.tokens.map(({ token }) => token) },
        riskFactsOf({ ...routing, amount: amount.value }),
      ),
    );
    const limit = await readLimitStanding(trx, reservation);
    // Reservation and deposit are written together, so without the one there is not the other.
    if (limit.earlier !== null) {
      const known = orThrow(await findDeposit(trx, request));
      if (known !== null) return known;
    }
    const { profile, version, kycLevel } = orThrow(admit(payer, published));
    const more = { amount: amount.value, kycLevel, age: ageOfPayer(keyRing, request.playerId, payer.facts) };
    const cardsAt = await cardsAtPsps(trx, request.playerId, request.tokens, payer.facts?.cards ?? []);
    const offered = route?.psps ?? [];
    eligibility = judgeEligibility(
      recalled.rules.eligibility,
      { ...routing, ...more },
      payer.facts,
      { offered, health: recalled.health },
      cardsOf(request, payer.facts, cardsAt),
    );
    const judged = judgePayment(rules, payer.facts, { ...payment, ...routing, ...more }, eligibility.refusal);
    if (judged.refusal !== null) refuse(judged.refusal);
    const scored = {
      ...routing,
      subject: `deposit:${request.depositId}`,
      flow: 'deposit',
      amount: amount.value,
      kycLevel,
    } as const;
    scoring = scoringOf(scorecard, scored, payer.facts, payer.more);
    if (scoring?.band === 'refuse') refuse(neutralRefusal('fraud-score'));
    const isHeld = judged.isGrey || scoring?.band === 'review';
    const player = payer.facts && {
      ...payer.facts,
      fraudScore: payer.facts.fraudScore ?? (scoring === null ? null : BigInt(scoring.score)),
    };
    const inputs = { ...recalled, player, cardsAt, offered };
    const decision = decideRoute(inputs, routing, more);
    const options = optionsBy(request, offered, decision?.psps);
    const first = options[0];
    if (route === null || first === undefined) throw new FailureError(noUsableToken().failure);
    const threeDs = decideAuthentication(inputs, routing, more, first.psp);
    // Of a wallet nobody asks it, whatever the rules would say.
    const isUnread = recalled.rules.threeDs.isUnread && method === 'card';
    const wish = threeDs?.wish ?? (isUnread ? strictestWish : null);
    const isLimitRequired = profile.depositLimitRequiredBeforeFirstDeposit;
    orThrow(admits(limit, { amount: amount.value, isLimitRequired }));
    const money = toMoneyText(amount.value, request.money.asset);
    onPlanned?.({
      depositId: request.depositId,
      playerId: request.playerId,
      brand: request.brand,
      jurisdiction: request.jurisdiction,
      money,
      psps: options.map(({ psp }) => psp),
    });
    const inserted = await trx
      .insertInto('payments.deposit')
      .values({
        id: request.depositId,
        playerId: request.playerId,
        brand: request.brand,
        jurisdiction: request.jurisdiction,
        jurisdictionVersion: version,
        method,
        // Of somebody on the grey list, or with a score to be reviewed, the money is only held: a person captures or voids
        // it, or it runs out.
        captureMode: isHeld && route.captureMode === 'automatic' ? 'manual' : route.captureMode,
        ...(wish === null ? {} : { threeDs: JSON.stringify(wish) }),
        asset: request.money.asset,
        amount: amount.value.toString(),
        options: JSON.stringify(options.map(({ psp, token }) => ({ psp, token }))),
        routeVersion: route.version,
        returnUrl: request.returnUrl,
        fingerprint: request.fingerprint,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await recordDecisions(trx, ofPayment(request), {
      eligibility: eligibility.decision,
      route: decision,
      threeDs,
      more: scoring && scoringInsert(trx, scoring),
    });
    await takeDepositLimit(trx, limit, reservation);
    await appendEvent(
      trx,
      {
        type: 'payments.deposit.requested',
        version: 1,
        brand: request.brand,
        playerId: request.playerId,
        payload: { depositId: request.depositId, money },
      },
      { actor: { kind: 'player', id: request.playerId }, subject: `deposit:${request.depositId}` },
    );
    if (judged.isGrey) await flagHeld(trx, request, 'an entry of the grey list matches');
    else if (scoring?.band === 'review') await flagHeld(trx, request, `its fraud score is ${scoring.score}`);
    const cards = judged.cards.length > 0 ? judged.cards : [{ id: request.depositId, network: null }];
    const { psp, token } = first;
    // Last, because others who are counted on the same address wait for the commit.
    const counted = await takeUses(
      trx,
      {
        ...payment,
        ...judged.payer,
        cardIds: cards.map(({ id }) => id),
        asset: request.money.asset,
        amount: amount.value,
        psp,
        tokens: request.tokens,
      },
      [
        ...retryGuards(retryRules, { cards, asset: request.money.asset, amount: amount.value, psp }),
        ...judged.guards,
      ],
      attemptInsert({ depositId: request.depositId, number: 1, psp, token, stepUp: false }),
    );
    if (counted !== null) refuse(counted);
    return inserted;
  });
  // In a transaction of its own: what refused was undone.
  if (refusal !== null) await recordRefusal(db, request, amount.value, refusal, { eligibility, scoring });
  return requested;
}

const ofPayment = ({ depositId, playerId, brand }: DepositRequest) => ({
  paymentId: depositId,
  playerId,
  brand,
});

const noUsableToken = () =>
  fail('payment-method-unavailable', 'None of the given tokens can be used for this currency.');

/** Rules put in order what the brand offers; what it does not offer they cannot bring in. */
const optionsBy = (
  request: DepositRequest,
  offered: readonly string[],
  decided: readonly string[] | undefined,
) =>
  (decided?.filter((psp) => offered.includes(psp)) ?? offered).flatMap((psp) => tokenAt(request, psp) ?? []);

const tokenAt = ({ method, tokens, wallet }: DepositRequest, psp: string) =>
  method === 'e-wallet' && wallet !== undefined
    ? { psp, token: wallet }
    : tokens.find((token) => token.psp === psp);

/** For staff: the player hears less than the rule's name. What was asked of eligibility is kept, whatever refused. */
const recordRefusal = (
  db: Database,
  request: DepositRequest,
  amount: bigint,
  { code, by }: Refusal,
  {
    eligibility,
    scoring,
  }: { readonly eligibility: JudgedEligibility | null; readonly scoring: Scoring | null },
): Promise<void> =>
  db.transaction().execute(async (trx) => {
    const { depositId, playerId, brand, money } = request;
    await recordDecisions(trx, ofPayment(request), {
      eligibility: eligibility?.decision ?? null,
      route: null,
      threeDs: null,
      more: scoring && scoringInsert(trx, scoring),
    });
    await appendEvent(
      trx,
      {
        type: 'payments.deposit.refused',
        version: 1,
        brand,
        playerId,
        payload: { depositId, money: toMoneyText(amount, money.asset), code, by },
      },
      { actor: { kind: 'player', id: playerId }, subject: `deposit:${depositId}` },
    );
  });

const flagHeld = (trx: Trx, { depositId, brand }: DepositRequest, why: string): Promise<void> =>
  openWorkItem(trx, {
    kind: 'listed-deposit',
    subject: `deposit:${depositId}`,
    brand,
    reason: `${why}: capture or void it`,
  });

/** The row that must exist before a PSP is called; a repeat changes nothing. */
export const attemptInsert = (attempt: {
  readonly depositId: string;
  readonly number: number;
  readonly psp: string;
  readonly token: string;
  readonly stepUp: boolean;
}): RawBuilder<unknown> => sql`
  insert into payments.attempt (deposit_id, number, psp, token, step_up, reference, return_token)
  values (${attempt.depositId}, ${attempt.number}, ${attempt.psp}, ${attempt.token}, ${attempt.stepUp},
    ${depositReference(attempt.depositId, attempt.number)}, ${randomBytes(24).toString('base64url')})
  on conflict (deposit_id, number) do nothing`;

async function findDeposit(db: Database | Trx, request: DepositRequest): Promise<Result<DepositRow | null>> {
  const row = await db
    .selectFrom('payments.deposit')
    .selectAll()
    .where('id', '=', request.depositId)
    .executeTakeFirst();
  return row === undefined || row.fingerprint.equals(request.fingerprint)
    ? succeed(row ?? null)
    : fail('idempotency-key-reused', 'This key was used for another deposit.');
}

/** Runs `work` in one transaction; a refusal thrown inside rolls it back and becomes a value. */
export async function refusable<T>(db: Database, work: (trx: Trx) => Promise<T>): Promise<Result<T>> {
  try {
    return succeed(await db.transaction().execute(work));
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}
