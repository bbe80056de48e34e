/** Manual corrections: one person asks, another one decides on exactly that, and it is posted once. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import { mayDecideAdjustment } from '#domain/backoffice/roles.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { toMoneyText, type Units } from '#domain/money.ts';
import {
  adjustmentContent,
  adjustmentReasonOf,
  type AdjustmentDirection,
} from '#domain/wallet/adjustments.ts';
import { postTransfer } from './post.ts';

export type RequestAdjustment = {
  /** Made from the operator and the idempotency key. */
  readonly adjustmentId: string;
  readonly playerId: string;
  readonly asset: string;
  readonly direction: AdjustmentDirection;
  readonly amount: Units;
  readonly reasonCode: string;
  readonly note: string;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
};

export type AdjustmentRow = NonNullable<Awaited<ReturnType<typeof lockAdjustment>>>;

/**
 * Writes the request, or finds the one that the same id made before. Nothing moves. Failures: `invalid-request` (the
 * reason is none, or none for this direction), `wallet-not-found`, `own-approval`, `idempotency-key-reused`.
 */
export async function requestAdjustment(
  trx: Trx,
  request: RequestAdjustment,
): Promise<Result<AdjustmentRow>> {
  const reason = adjustmentReasonOf(request.reasonCode);
  if (!reason?.directions.includes(request.direction))
    return fail('invalid-request', `That is no reason for a ${request.direction}.`);
  if (request.operatorId === request.playerId)
    return fail('own-approval', 'Nobody corrects a balance of his own.');
  const { adjustmentId: id, playerId, asset, direction, amount, reasonCode, note, operatorId } = request;
  const wallet = await trx
    .selectFrom('wallet.playerWallet')
    .select('brand')
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .executeTakeFirst();
  if (!wallet) return fail('wallet-not-found', `The player has no ${asset} wallet.`);
  const inserted = await trx
    .insertInto('wallet.adjustment')
    .values({
      id,
      playerId,
      asset,
      brand: wallet.brand,
      direction,
      amount: amount.toString(),
      reasonCode,
      note,
      contentHash: createHash('sha256')
        .update(adjustmentContent({ ...request, id }))
        .digest(),
      fingerprint: request.fingerprint,
      requestedBy: operatorId,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  const row = await mustLock(trx, id);
  if (!inserted) {
    return row.fingerprint.equals(request.fingerprint)
      ? succeed(row)
      : fail('idempotency-key-reused', 'This key was used for another adjustment.');
  }
  await tell(trx, 'wallet.adjustment.requested', row, operatorId, note);
  return succeed(row);
}

export type DecideAdjustment = {
  readonly adjustmentId: string;
  readonly decision: 'approve' | 'refuse';
  /** Hex, as the request was shown. */
  readonly contentHash: string;
  readonly note: string;
  readonly operatorId: string;
  /** Held at this moment; they say up to what size. */
  readonly roles: readonly string[];
};

/**
 * Decides a request once for ever; an approval posts it in the same transaction. A repeat of the same decision by the
 * same person answers with what came of it. Failures: `not-found`, `own-approval`, `already-decided`,
 * `adjustment-not-open` (it is not what was shown), `forbidden` (above the band), `insufficient-funds`.
 */
export async function decideAdjustment(trx: Trx, decision: DecideAdjustment): Promise<Result<AdjustmentRow>> {
  const { adjustmentId, operatorId, roles } = decision;
  const row = await lockAdjustment(trx, adjustmentId);
  if (!row) return fail('not-found', 'There is no such adjustment.');
  if (row.requestedBy === operatorId || row.playerId === operatorId)
    return fail('own-approval', 'Who asks for a correction, or gets it, does not decide on it.');
  const wanted = decision.decision === 'approve' ? 'posted' : 'refused';
  if (row.state !== 'requested') {
    return row.decidedBy === operatorId && row.state === wanted
      ? succeed(row)
      : fail('already-decided', `The adjustment was ${row.state} before.`);
  }
  if (row.contentHash.toString('hex') !== decision.contentHash)
    return fail('adjustment-not-open', 'The adjustment is not what the decision names.');
  let journalId: string | null = null;
  if (decision.decision === 'approve') {
    if (!mayDecideAdjustment(roles, row.asset, BigInt(row.amount)))
      return fail('forbidden', 'This amount is above what your roles decide on.');
    const posted = await post(trx, row);
    if (!posted.ok) return posted;
    journalId = posted.value.journalId;
  }
  await trx
    .updateTable('wallet.adjustment')
    .set({
      state: wanted,
      decidedBy: operatorId,
      decidedRoles: [...roles],
      decidedHash: Buffer.from(decision.contentHash, 'hex'),
      decisionNote: decision.note,
      decidedAt: sql<Date>`now()`,
      journalId,
    })
    .where('id', '=', adjustmentId)
    .execute();
  const type = wanted === 'posted' ? 'wallet.adjustment.approved' : 'wallet.adjustment.refused';
  await tell(trx, type, row, operatorId, decision.note);
  return succeed(await mustLock(trx, adjustmentId));
}

function post(trx: Trx, row: AdjustmentRow) {
  return postTransfer(trx, {
    key: `adjustment:${row.id}:post`,
    playerId: row.playerId,
    asset: row.asset,
    amount: BigInt(row.amount),
    subject: `adjustment:${row.id}`,
    transfer: {
      code: 'adjustment.post',
      direction: directionOf(row),
      mayOwe: adjustmentReasonOf(row.reasonCode)?.mayOwe === true,
    },
  });
}

const directionOf = (row: Pick<AdjustmentRow, 'direction'>): AdjustmentDirection =>
  row.direction === 'credit' ? 'credit' : 'debit';

function tell(
  trx: Trx,
  type: 'wallet.adjustment.requested' | 'wallet.adjustment.approved' | 'wallet.adjustment.refused',
  row: AdjustmentRow,
  operatorId: string,
  note: string,
): Promise<void> {
  const payload = {
    adjustmentId: row.id,
    direction: directionOf(row),
    money: toMoneyText(BigInt(row.amount), row.asset),
    reasonCode: row.reasonCode,
  };
  const deed: Deed = {
    actor: { kind: 'operator', id: operatorId },
    subject: `adjustment:${row.id}`,
    reason: note,
  };
  return appendEvent(trx, { type, version: 1, brand: row.brand, playerId: row.playerId, payload }, deed);
}

function lockAdjustment(trx: Trx, id: string) {
  return trx.selectFrom('wallet.adjustment').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
}

async function mustLock(trx: Trx, id: string): Promise<AdjustmentRow> {
  const row = await lockAdjustment(trx, id);
  if (!row) throw new Error(`Invariant broken: adjustment ${id} was just there`);
  return row;
}
