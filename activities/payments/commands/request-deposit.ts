/** Takes a deposit in: the row, its first attempt and the share of the player's limit, in one transaction. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { currentProfile } from '#activities/compliance/profiles.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import { reserveDepositLimit } from '#activities/responsible-gambling/commands/deposit-limit.ts';
import { fail, FailureError, orThrow, succeed, type Failure, type Result } from '#domain/failures.ts';
import { levelSatisfies } from '#domain/kyc/levels.ts';
import { parsePayable, toMinorUnits, toMoneyText, type MoneyText } from '#domain/money.ts';
import { depositReference } from '#domain/payments/reference.ts';
import { currentRoute } from '../routes.ts';
import type { DepositRow } from '../payment-rows.ts';

export type DepositRequest = {
  /** Made from the player and the idempotency key. */
  readonly depositId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly money: MoneyText;
  readonly tokens: readonly { readonly psp: string; readonly token: string }[];
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
  return refusable(db, async (trx) => {
    const known = await findDeposit(trx, request);
    if (known !== null) return known;
    const player = await admitPlayer(trx, request);
    const route = await currentRoute(trx, request.brand, 'card', request.money.asset);
    const options = (route?.psps ?? []).flatMap(
      (psp) => request.tokens.find((token) => token.psp === psp) ?? [],
    );
    const first = options[0];
    if (route === null || first === undefined) {
      throw refusal(
        fail('payment-method-unavailable', 'None of the given tokens can be used for this currency.'),
      );
    }
    const inserted = await trx
      .insertInto('payments.deposit')
      .values({
        id: request.depositId,
        playerId: request.playerId,
        brand: request.brand,
        jurisdiction: player.jurisdiction,
        jurisdictionVersion: player.profileVersion,
        method: 'card',
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
    if (inserted === undefined) return (await findDeposit(trx, request)) ?? refuseRace();
    orThrow(
      await reserveDepositLimit(trx, {
        playerId: request.playerId,
        asset: request.money.asset,
        amount: amount.value,
        depositId: request.depositId,
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

async function findDeposit(trx: Trx, request: DepositRequest): Promise<DepositRow | null> {
  const row = await trx
    .selectFrom('payments.deposit')
    .selectAll()
    .where('id', '=', request.depositId)
    .executeTakeFirst();
  if (row === undefined) return null;
  if (!row.fingerprint.equals(request.fingerprint)) {
    throw refusal(fail('idempotency-key-reused', 'This key was used for another deposit.'));
  }
  return row;
}

async function admitPlayer(
  trx: Trx,
  request: DepositRequest,
): Promise<{ jurisdiction: string; profileVersion: number }> {
  const player = await trx
    .selectFrom('pam.player')
    .select(['jurisdiction', 'status', 'emailVerifiedAt'])
    .where('id', '=', request.playerId)
    .where('brand', '=', request.brand)
    .executeTakeFirst();
  if (player === undefined) throw refusal(fail('not-found', 'There is no such player.'));
  if (player.emailVerifiedAt === null)
    throw refusal(fail('email-not-verified', 'Confirm the e-mail address first.'));
  if (player.status !== 'active')
    throw refusal(fail('player-blocked', 'The account is not open for deposits.'));
  const { profile, version } = orThrow(await currentProfile(trx, player.jurisdiction));
  if (profile.identityBeforeDeposit && !levelSatisfies(await readKycLevel(trx, request.playerId), 'L1')) {
    throw refusal(fail('identity-not-verified', 'The identity must be verified before the first deposit.'));
  }
  const wallet = await trx
    .selectFrom('wallet.playerWallet')
    .select(sql<boolean>`coalesce(play_blocked_until > now(), false)`.as('isBlocked'))
    .where('playerId', '=', request.playerId)
    .where('asset', '=', request.money.asset)
    .executeTakeFirst();
  if (wallet === undefined)
    throw refusal(fail('unsupported-asset', 'The player holds no wallet in this asset.'));
  if (wallet.isBlocked)
    throw refusal(fail('self-excluded', 'Deposits are closed while play is excluded or paused.'));
  return { jurisdiction: player.jurisdiction, profileVersion: version };
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
