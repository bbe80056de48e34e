/** Takes a deposit in: the row, its first attempt and the share of the player's limit, in one transaction. */
import { randomBytes } from 'node:crypto';
import { sql, type RawBuilder } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { recentProfile } from '#activities/compliance/profiles.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import {
  admits,
  foreseeDepositLimit,
  reserveDepositLimit,
} from '#activities/responsible-gambling/commands/deposit-limit.ts';
import type { VersionedProfile } from '#domain/compliance/profile.schema.ts';
import { fail, FailureError, orThrow, succeed, type Failure, type Result } from '#domain/failures.ts';
import { levelSatisfies, type KycLevel } from '#domain/kyc/levels.ts';
import { parsePayable, toMinorUnits, toMoneyText, type MoneyText } from '#domain/money.ts';
import { depositReference } from '#domain/payments/reference.ts';
import { retryGuards } from '#domain/payments/retry-rules.ts';
import { toFailure, type Refusal } from '#domain/payments/uses.ts';
import { decideAuthentication, decideRoute, readRoutingInputs, recordDecisions } from '../route-deposit.ts';
import { recentRoute } from '../routes.ts';
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
};

export type PaymentOrigin = { readonly sessionId: string | null; readonly ip: string | null };

/** Card interfaces carry eight digits of minor units. */
export const cardMinorUnitsMax = 99_999_999n;

/** What the workflow of a deposit that is about to be written can be started with. */
export type PlannedDeposit = ReturnType<typeof depositInputOf>;

/**
 * Inserts the deposit or finds the one that the key made before. `onPlanned` is told when nothing is left but to write
 * it, so that its workflow can be started meanwhile; a race for a limit may still refuse it. Failures:
 * `idempotency-key-reused`, those of `parsePayable`, `email-not-verified`, `identity-not-verified`, `self-excluded`, `unsupported-asset`,
 * `payment-method-unavailable`, those of `judgePayment`, `payment-limit-exceeded`, and the deposit limit's.
 */
export async function requestDeposit(
  db: Database,
  request: DepositRequest,
  onPlanned?: (planned: PlannedDeposit) => void,
): Promise<Result<DepositRow>> {
  const amount = parsePayable(request.money);
  if (!amount.ok) return amount;
  if (toMinorUnits(amount.value, request.money.asset) > cardMinorUnitsMax) {
    return fail('amount-too-large', 'The amount is beyond what a card payment may move.');
  }
  // Nothing here is locked, so all of it is asked at once: a player waits for the answer.
  const { method = 'card' } = request;
  const { sessionId = null, ip = null } = request.origin ?? {};
  const routing = { ...request, method, asset: request.money.asset, sessionId, ip };
  const reservation = {
    depositId: request.depositId,
    playerId: request.playerId,
    asset: request.money.asset,
    amount: amount.value,
  };
  const [known, admitted, route, inputs, foresight, rules, retryRules] = await Promise.all([
    findDeposit(db, request),
    admitPlayer(db, request),
    recentRoute(db, request.brand, method, request.money.asset),
    readRoutingInputs(db, routing),
    foreseeDepositLimit(db, reservation),
    currentPaymentRules(db, request.brand),
    currentRetryRules(db),
  ]);
  if (!known.ok) return known;
  if (known.value !== null) return succeed(known.value);
  if (!admitted.ok) return admitted;
  const { profile, version, kycLevel } = admitted.value;
  const payment = {
    payment: `deposit:${request.depositId}`,
    number: 1,
    flow: 'deposit',
    method,
  } as const;
  const judged = judgePayment(rules, inputs.player, {
    ...payment,
    ...routing,
    amount: amount.value,
    kycLevel,
  });
  if (judged.refusal !== null) return refuseDeposit(db, request, amount.value, judged.refusal);
  const more = { amount: amount.value, kycLevel };
  const decision = decideRoute(inputs, routing, more);
  const threeDs = decideAuthentication(inputs, routing, more);
  // Rules put in order what the brand offers; what it does not offer they cannot bring in.
  const offered = route?.psps ?? [];
  const options = (decision?.psps.filter((psp) => offered.includes(psp)) ?? offered).flatMap(
    (psp) => tokenAt(request, psp) ?? [],
  );
  const first = options[0];
  if (route === null || first === undefined) {
    return fail('payment-method-unavailable', 'None of the given tokens can be used for this currency.');
  }
  const foreseen = admits(foresight, amount.value, profile.depositLimitRequiredBeforeFirstDeposit);
  if (!foreseen.ok) return foreseen;
  onPlanned?.({
    depositId: request.depositId,
    playerId: request.playerId,
    brand: request.brand,
    jurisdiction: request.jurisdiction,
    money: toMoneyText(amount.value, request.money.asset),
    psps: options.map(({ psp }) => psp),
  });
  let refusal = null as Refusal | null;
  const requested = await refusable(db, async (trx) => {
    const inserted = await trx
      .insertInto('payments.deposit')
      .values({
        id: request.depositId,
        playerId: request.playerId,
        brand: request.brand,
        jurisdiction: request.jurisdiction,
        jurisdictionVersion: version,
        method,
        captureMode: route.captureMode,
        ...(threeDs === null ? {} : { threeDs: JSON.stringify(threeDs.wish) }),
        asset: request.money.asset,
        amount: amount.value.toString(),
        options: JSON.stringify(options.map(({ psp, token }) => ({ psp, token }))),
        routeVersion: route.version,
        returnUrl: request.returnUrl,
        fingerprint: request.fingerprint,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returningAll()
      .executeTakeFirst();
    // Another request with the same key was faster: what it made is the answer.
    if (inserted === undefined) return orThrow(await findDeposit(trx, request)) ?? refuseRace();
    await recordDecisions(trx, request, decision, threeDs);
    orThrow(
      await reserveDepositLimit(trx, {
        ...reservation,
        isLimitRequired: profile.depositLimitRequiredBeforeFirstDeposit,
      }),
    );
    const money = toMoneyText(amount.value, request.money.asset);
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
    if (judged.isGrey) await flagListed(trx, request);
    const cards = judged.cards.length > 0 ? judged.cards : [{ id: request.depositId, network: null }];
    const { psp, token } = first;
    // Last, because others who are counted on the same address wait for the commit.
    refusal = await takeUses(
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
    if (refusal !== null) throw new FailureError(toFailure(refusal));
    return inserted;
  });
  if (refusal !== null) await recordRefusal(db, request, amount.value, refusal);
  return requested;
}

const tokenAt = ({ method, tokens, wallet }: DepositRequest, psp: string) =>
  method === 'e-wallet' && wallet !== undefined
    ? { psp, token: wallet }
    : tokens.find((token) => token.psp === psp);

async function refuseDeposit(
  db: Database,
  request: DepositRequest,
  amount: bigint,
  refusal: Refusal,
): Promise<Result<never>> {
  await recordRefusal(db, request, amount, refusal);
  return { ok: false, failure: toFailure(refusal) };
}

/** For staff: the player hears less than the rule's name. */
const recordRefusal = (
  db: Database,
  { depositId, playerId, brand, money }: DepositRequest,
  amount: bigint,
  { code, by }: Refusal,
): Promise<void> =>
  db.transaction().execute((trx) =>
    appendEvent(
      trx,
      {
        type: 'payments.deposit.refused',
        version: 1,
        brand,
        playerId,
        payload: { depositId, money: toMoneyText(amount, money.asset), code, by },
      },
      { actor: { kind: 'player', id: playerId }, subject: `deposit:${depositId}` },
    ),
  );

const flagListed = (trx: Trx, { depositId, brand }: DepositRequest): Promise<void> =>
  openWorkItem(trx, {
    kind: 'listed-deposit',
    subject: `deposit:${depositId}`,
    brand,
    reason: 'an entry of the grey list matches',
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

/** The rules under which the player may pay in. */
export async function admitPlayer(
  db: Database,
  request: Pick<DepositRequest, 'playerId' | 'brand' | 'jurisdiction' | 'money'>,
): Promise<Result<VersionedProfile & { readonly kycLevel: KycLevel }>> {
  const [player, rules, level] = await Promise.all([
    db
      .selectFrom('pam.player as p')
      .leftJoin('wallet.playerWallet as w', (join) =>
        join.onRef('w.playerId', '=', 'p.id').on('w.asset', '=', request.money.asset),
      )
      .select(['p.status', 'p.emailVerifiedAt', 'w.asset'])
      .select(sql<boolean>`coalesce(w.play_blocked_until > now(), false)`.as('isBlocked'))
      .where('p.id', '=', request.playerId)
      .where('p.brand', '=', request.brand)
      .executeTakeFirst(),
    recentProfile(db, request.jurisdiction),
    readKycLevel(db, request.playerId),
  ]);
  if (player === undefined) return fail('not-found', 'There is no such player.');
  if (player.emailVerifiedAt === null) return fail('email-not-verified', 'Confirm the e-mail address first.');
  if (player.status !== 'active') return fail('player-blocked', 'The account is not open for deposits.');
  if (!rules.ok) return rules;
  if (rules.value.profile.identityBeforeDeposit && !levelSatisfies(level, 'L1')) {
    return fail('identity-not-verified', 'The identity must be verified before the first deposit.');
  }
  if (player.asset === null) return fail('unsupported-asset', 'The player holds no wallet in this asset.');
  if (player.isBlocked) return fail('self-excluded', 'Deposits are closed while play is excluded or paused.');
  return succeed({ ...rules.value, kycLevel: level });
}

const refusal = ({ failure }: { failure: Failure }): FailureError => new FailureError(failure);

const refuseRace = (): never => {
  throw refusal(
    fail('dependency-unavailable', 'The same request is still being written; repeat it.', { retryAfterS: 1 }),
  );
};

/** Runs `work` in one transaction; a refusal thrown inside rolls it back and becomes a value. */
export async function refusable<T>(db: Database, work: (trx: Trx) => Promise<T>): Promise<Result<T>> {
  try {
    return succeed(await db.transaction().execute(work));
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}
