/** Takes an operator's wish to capture or void an authorisation in. Nothing moves before its workflow runs. */
import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsModification } from '#db/schema.generated.ts';
import { refundNeedsApproval } from '#domain/backoffice/roles.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { parsePayable, toMoneyText, type MoneyText } from '#domain/money.ts';
import { modificationContent, type ModificationKind } from '#domain/payments/modification-state.ts';
import { modificationReference } from '#domain/payments/reference.ts';
import { afterAuthentication, transStatusOf } from '#domain/payments/three-ds.ts';
import { isOwnMoney } from '../approver-standing.ts';
import { readRefusal } from '../payer-standing.ts';
import { findAuthorisation, leftOf } from '../authorisations.ts';
import { lockDeposit, moneyOf } from '../payment-rows.ts';
import { lockAttempt } from '../record-outcome.ts';
import { wishOf } from '../three-ds-columns.ts';

export type ModificationRow = Selectable<PaymentsModification>;

/** What the workflow of a modification is started with. */
export const modificationInputOf = (row: ModificationRow) => ({
  modificationId: row.id,
  depositId: row.depositId,
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
  money: moneyOf(row),
});

export type ModificationRequest = {
  /** Made from the operator and the idempotency key. */
  readonly modificationId: string;
  readonly depositId: string;
  readonly kind: ModificationKind;
  /** Null for all that is left; a void is never of a part. */
  readonly money: MoneyText | null;
  /** False for a capture that others may follow. */
  readonly isFinal: boolean;
  readonly reason: string;
  readonly operatorId: string;
  /** The roles held at this moment: above their band, which is that of refunds, another person decides. */
  readonly roles: readonly string[];
  readonly fingerprint: Buffer;
};

/**
 * Inserts the modification, or finds the one that the key made before. Failures: `not-found`,
 * `idempotency-key-reused`, those of `parsePayable`, `own-approval` (of a deposit of one's own),
 * `self-excluded` and `player-blocked` (a capture from somebody who may not be charged now), `modification-not-open` (nothing is held, another one is under way or has ended it, or its authentication may not be
 * used), `several-captures-unsupported` (brand or PSP take one capture, and this is not the last), `exceeds-authorised`.
 */
export async function requestModification(
  trx: Trx,
  keyRing: Pick<ActivityDeps['keyRing'], 'blindIndex'>,
  request: ModificationRequest,
): Promise<Result<ModificationRow>> {
  const deposit = await lockDeposit(trx, request.depositId);
  const known = await trx
    .selectFrom('payments.modification')
    .selectAll()
    .where((where) =>
      where.or([where('id', '=', request.modificationId), where('depositId', '=', deposit.id)]),
    )
    .where((where) => where.or([where('id', '=', request.modificationId), where('state', '<>', 'refused')]))
    .execute();
  const same = known.find(({ id }) => id === request.modificationId);
  if (same !== undefined) {
    return same.fingerprint.equals(request.fingerprint)
      ? succeed(same)
      : fail('idempotency-key-reused', 'This key was used for another capture or void.');
  }
  if (await isOwnMoney(trx, keyRing, deposit, request.operatorId))
    return fail('own-approval', 'Nobody captures or voids a deposit of his own.');
  const barred = request.kind === 'capture' ? await readRefusal(trx, deposit.playerId) : null;
  if (barred !== null) return fail(barred.code, `${barred.detail} What is held can only be given back.`);
  // Beside one whose outcome is not known, nothing is captured.
  const other = known.find(({ state, isFinal }) => state !== 'done' || isFinal);
  if (other !== undefined)
    return fail('modification-not-open', `A ${other.kind} of this authorisation is ${other.state}.`);
  const authorisation = await findAuthorisation(trx, deposit.id);
  const held = authorisation && (await lockAttempt(trx, deposit.id, authorisation.attempt));
  if (
    authorisation?.state !== 'open' ||
    (deposit.state !== 'authorised' && deposit.state !== 'captured') ||
    held?.pspReference == null
  )
    return fail('modification-not-open', `The deposit is ${deposit.state}: nothing is held.`);
  if (
    request.kind === 'capture' &&
    afterAuthentication(transStatusOf(held.transStatus), wishOf(deposit.threeDs)) === 'refuse'
  )
    return fail('modification-not-open', 'The cardholder was not authenticated: it can only be voided.');
  if (!request.isFinal && !authorisation.several)
    return fail(
      'several-captures-unsupported',
      deposit.captureMode === 'in-parts'
        ? `${held.psp} takes one capture of this authorisation, and it must be final.`
        : `Deposits of this brand, method and currency are captured once: it must be final.`,
    );
  const left = leftOf(authorisation);
  const amount = request.money === null ? succeed(left) : parsePayable(request.money);
  if (!amount.ok) return amount;
  if (request.money !== null && request.money.asset !== deposit.asset)
    return fail('modification-not-open', `The deposit was made in ${deposit.asset}.`);
  if (amount.value > left) return fail('exceeds-authorised', 'No more can be captured than is held.');
  // What takes all that is left is the last one, whatever was said.
  const isFinal = request.isFinal || amount.value === left;
  const { modificationId: id, kind, reason, operatorId } = request;
  const row = await trx
    .insertInto('payments.modification')
    .values({
      id,
      depositId: deposit.id,
      kind,
      isFinal,
      playerId: deposit.playerId,
      brand: deposit.brand,
      jurisdiction: deposit.jurisdiction,
      asset: deposit.asset,
      amount: amount.value.toString(),
      attempt: held.number,
      psp: held.psp,
      reference: modificationReference(id),
      chargeReference: held.pspReference,
      reason,
      requestedBy: operatorId,
      fingerprint: request.fingerprint,
      payloadHash: createHash('sha256')
        .update(
          modificationContent({
            id,
            kind,
            depositId: deposit.id,
            playerId: deposit.playerId,
            asset: deposit.asset,
            amount: amount.value,
            reason,
            isFinal,
          }),
        )
        .digest(),
      needsApproval: refundNeedsApproval(request.roles, deposit.asset, amount.value),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'payments.modification.requested',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: {
        modificationId: id,
        depositId: deposit.id,
        kind,
        isFinal,
        money: toMoneyText(amount.value, row.asset),
        needsApproval: row.needsApproval,
      },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `modification:${id}`, reason },
  );
  return succeed(row);
}
