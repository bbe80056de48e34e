/** Takes a deposit in: the row, its first attempt and the share of the player's limit, in one transaction. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import { reserveDepositLimit } from '#activities/responsible-gambling/commands/deposit-limit.ts';
import type { VersionedProfile } from '#domain/compliance/profile.schema.ts';
import { fail, FailureError, orThrow, succeed, type Failure, type Result } from '#domain/failures.ts';
import { levelSatisfies, type KycLevel } from '#domain/kyc/levels.ts';
import { parsePayable, toMinorUnits, toMoneyText, type MoneyText } from '#domain/money.ts';
import { depositReference } from '#domain/payments/reference.ts';
import { decideAuthentication, decideRoute, readRoutingInputs, recordDecisions } from '../route-deposit.ts';
import { currentRoute } from '../routes.ts';
import type { DepositRow } from '../payment-rows.ts';

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
};

/** Card interfaces carry eight digits of minor units. */
export const cardMinorUnitsMax = 99_999_999n;

/**
 * Inserts the deposit or finds the one that the key made before. Failures: `idempotency-key-reused`, those of
 * `parsePayable`, `email-not-verified`, `identity-not-verified`, `self-excluded`, `unsupported-asset`,
 * `payment-method-unavailable`, and the deposit limit's.
 */
export async function requestDeposit(db: Database, request: DepositRequest): Promise<Result<DepositRow>> {
  const amount = parsePayable(request.money);
  if (!amount.ok) return amount;
  if (toMinorUnits(amount.value, request.money.asset) > cardMinorUnitsMax) {
    return fail('amount-too-large', 'The amount is beyond what a card payment may move.');
  }
  // Nothing here is locked, so all of it is asked at once: a player waits for the answer.
  const { method = 'card' } = request;
  const routing = { ...request, method, asset: request.money.asset };
  const [known, admitted, route, inputs] = await Promise.all([
    findDeposit(db, request),
    admitPlayer(db, request),
    currentRoute(db, request.brand, method, request.money.asset),
    readRoutingInputs(db, routing),
  ]);
  if (!known.ok) return known;
  if (known.value !== null) return succeed(known.value);
  if (!admitted.ok) return admitted;
  const { profile, version, kycLevel } = admitted.value;
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
  return refusable(db, async (trx) => {
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
        playerId: request.playerId,
        asset: request.money.asset,
        amount: amount.value,
        depositId: request.depositId,
        isLimitRequired: profile.depositLimitRequiredBeforeFirstDeposit,
      }),
    );
    await insertAttempt(trx, {
      depositId: request.depositId,
      number: 1,
      psp: first.psp,
      token: first.token,
      stepUp: false,
    });
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
    return inserted;
  });
}

const tokenAt = ({ method, tokens, wallet }: DepositRequest, psp: string) =>
  method === 'e-wallet' && wallet !== undefined
    ? { psp, token: wallet }
    : tokens.find((token) => token.psp === psp);

/** Writes the row that must exist before a PSP is called; a repeat changes nothing. */
export async function insertAttempt(
  trx: Trx,
  attempt: { depositId: string; number: number; psp: string; token: string; stepUp: boolean },
): Promise<void> {
  await trx
    .insertInto('payments.attempt')
    .values({
      ...attempt,
      reference: depositReference(attempt.depositId, attempt.number),
      returnToken: randomBytes(24).toString('base64url'),
    })
    .onConflict((conflict) => conflict.columns(['depositId', 'number']).doNothing())
    .execute();
}

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
  const [player, wallet, rules, level] = await Promise.all([
    db
      .selectFrom('pam.player')
      .select(['status', 'emailVerifiedAt'])
      .where('id', '=', request.playerId)
      .where('brand', '=', request.brand)
      .executeTakeFirst(),
    db
      .selectFrom('wallet.playerWallet')
      .select(sql<boolean>`coalesce(play_blocked_until > now(), false)`.as('isBlocked'))
      .where('playerId', '=', request.playerId)
      .where('asset', '=', request.money.asset)
      .executeTakeFirst(),
    currentProfile(db, request.jurisdiction),
    readKycLevel(db, request.playerId),
  ]);
  if (player === undefined) return fail('not-found', 'There is no such player.');
  if (player.emailVerifiedAt === null) return fail('email-not-verified', 'Confirm the e-mail address first.');
  if (player.status !== 'active') return fail('player-blocked', 'The account is not open for deposits.');
  if (!rules.ok) return rules;
  if (rules.value.profile.identityBeforeDeposit && !levelSatisfies(level, 'L1')) {
    return fail('identity-not-verified', 'The identity must be verified before the first deposit.');
  }
  if (wallet === undefined) return fail('unsupported-asset', 'The player holds no wallet in this asset.');
  if (wallet.isBlocked) return fail('self-excluded', 'Deposits are closed while play is excluded or paused.');
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
