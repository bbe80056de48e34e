/**
 * An operator's answer to a dispute, its words sealed, before anything is sent; and the word of the second person, since
 * what a scheme has been told cannot be taken back.
 */
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { openWords, sealWords } from '#activities/sealed-words.ts';
import type { Database, Trx } from '#db/connect.ts';
import { isOwnMoney } from '../approver-standing.ts';
import type { ActivityDeps } from '../../deps.ts';
import type { PaymentsDisputeResponse } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type DisputeResponseRow = Selectable<PaymentsDisputeResponse>;

export type DisputeResponse = {
  /** Made from the operator and the idempotency key. */
  readonly responseId: string;
  readonly disputeId: string;
  /** Null gives in. */
  readonly evidence: string | null;
  readonly reason: string;
  readonly operatorId: string;
  readonly role: string;
  readonly fingerprint: Buffer;
};

const contextOf = (responseId: string): string => `dispute-response:${responseId}`;

/**
 * Proposes the answer, or finds the one that the key made before. Failures: `not-found`, `idempotency-key-reused`,
 * `own-approval`, `dispute-not-open` (it does not wait for an answer, its deadline has passed, or one was given).
 */
export async function recordDisputeResponse(
  trx: Trx,
  keyRing: ActivityDeps['keyRing'],
  response: DisputeResponse,
): Promise<Result<DisputeResponseRow>> {
  const dispute = await trx
    .selectFrom('payments.dispute')
    .selectAll()
    .where('id', '=', response.disputeId)
    .forUpdate()
    .executeTakeFirst();
  if (dispute === undefined) return fail('not-found', 'There is no such dispute.');
  const known = await trx
    .selectFrom('payments.disputeResponse')
    .selectAll()
    .where('id', '=', response.responseId)
    .executeTakeFirst();
  if (known !== undefined) {
    return known.fingerprint.equals(response.fingerprint)
      ? succeed(known)
      : fail('idempotency-key-reused', 'This key was used for another answer.');
  }
  if (await isOwnMoney(trx, keyRing, dispute, response.operatorId))
    return fail('own-approval', 'Nobody answers to a dispute of his own.');
  const isAsked = dispute.status === 'needs-response';
  if (!isAsked || dispute.expiredAt !== null)
    return fail(
      'dispute-not-open',
      isAsked ? 'The deadline for an answer has passed.' : `The dispute is ${dispute.status}.`,
    );
  const given = await trx
    .selectFrom('payments.disputeResponse')
    .select('id')
    .where('disputeId', '=', dispute.id)
    .where('stage', '=', dispute.stage)
    .where('state', 'not in', ['refused', 'withdrawn'])
    .executeTakeFirst();
  if (given !== undefined)
    return fail('dispute-not-open', 'This stage has been answered, or an answer to it is proposed.');
  const sealed =
    response.evidence === null
      ? null
      : await sealWords(trx, keyRing, dispute.playerId, contextOf(response.responseId), response.evidence);
  if (sealed === null && response.evidence !== null)
    return fail('dispute-not-open', 'The player’s keys are destroyed: evidence cannot be kept.');
  const row = await trx
    .insertInto('payments.disputeResponse')
    .values({
      id: response.responseId,
      disputeId: dispute.id,
      stage: dispute.stage,
      kind: response.evidence === null ? 'accept' : 'evidence',
      sealed,
      reason: response.reason,
      operatorId: response.operatorId,
      role: response.role,
      fingerprint: response.fingerprint,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, dispute, row, 'proposed', response);
  return succeed(row);
}

export type DisputeResponseDecision = {
  readonly responseId: string;
  readonly disputeId: string;
  readonly decision: 'send' | 'withdraw';
  /** Hex, of the answer as it was shown. */
  readonly contentHash: string;
  readonly reason: string;
  readonly operatorId: string;
};

/**
 * Another person lets the answer go; who proposed it may only take it back. A repeat of the same decision by the same person
 * answers with what came of it. Failures: `not-found`, `own-approval`, `already-decided`, `dispute-not-open` (the answer is
 * not what was shown, or the dispute waits for none any more).
 */
export async function decideDisputeResponse(
  trx: Trx,
  { responseId, disputeId, decision, contentHash, reason, operatorId }: DisputeResponseDecision,
): Promise<Result<DisputeResponseRow>> {
  const dispute = await trx
    .selectFrom('payments.dispute')
    .selectAll()
    .where('id', '=', disputeId)
    .forUpdate()
    .executeTakeFirst();
  const row = await trx
    .selectFrom('payments.disputeResponse')
    .selectAll()
    .where('id', '=', responseId)
    .where('disputeId', '=', disputeId)
    .forUpdate()
    .executeTakeFirst();
  if (dispute === undefined || row === undefined) return fail('not-found', 'There is no such answer.');
  if (row.state !== 'proposed')
    return row.decidedBy === operatorId && (row.state === 'withdrawn') === (decision === 'withdraw')
      ? succeed(row)
      : fail('already-decided', `The answer is ${row.state}.`);
  if (row.fingerprint.toString('hex') !== contentHash)
    return fail('dispute-not-open', 'The answer is not what was shown.');
  if (decision === 'send') {
    if (row.operatorId === operatorId || dispute.playerId === operatorId)
      return fail('own-approval', 'Another person must send what you proposed.');
    if (dispute.status !== 'needs-response' || dispute.expiredAt !== null || dispute.stage !== row.stage)
      return fail('dispute-not-open', 'The dispute waits for this answer no more.');
  }
  const decided = await trx
    .updateTable('payments.disputeResponse')
    .set({
      state: decision === 'send' ? 'recorded' : 'withdrawn',
      decidedBy: operatorId,
      decisionReason: reason,
      decidedAt: sql<Date>`now()`,
      ...(decision === 'withdraw' ? { closedAt: sql<Date>`now()` } : {}),
    })
    .where('id', '=', responseId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tell(trx, dispute, decided, decision === 'send' ? 'approved' : 'withdrawn', { operatorId, reason });
  return succeed(decided);
}

const tell = (
  trx: Trx,
  dispute: { readonly id: string; readonly brand: string; readonly playerId: string },
  row: DisputeResponseRow,
  step: 'proposed' | 'approved' | 'withdrawn',
  by: { readonly operatorId: string; readonly reason: string },
): Promise<void> =>
  appendEvent(
    trx,
    {
      type: `payments.dispute-answer.${step}`,
      version: 1,
      brand: dispute.brand,
      playerId: dispute.playerId,
      payload: {
        disputeId: dispute.id,
        answerId: row.id,
        answer: row.kind === 'accept' ? 'accept' : 'evidence',
      },
    },
    {
      actor: { kind: 'operator', id: by.operatorId },
      subject: `dispute:${dispute.id}`,
      reason: by.reason,
    },
  );

/** The words of an answer; throws when the player's key is gone, which no open dispute allows. */
export async function openEvidence(
  db: Database,
  keyRing: ActivityDeps['keyRing'],
  row: DisputeResponseRow,
  playerId: string,
): Promise<string> {
  const words =
    row.sealed === null ? null : await openWords(db, keyRing, playerId, contextOf(row.id), row.sealed);
  if (words === null) throw new Error(`Invariant broken: the evidence of ${row.id} cannot be read`);
  return words;
}
