/** Keeps an operator's answer to a dispute, its words sealed, before anything is sent. */
import type { Selectable } from 'kysely';
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
 * Inserts the answer, or finds the one that the key made before. Failures: `not-found`, `idempotency-key-reused`,
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
    .where('state', '!=', 'refused')
    .executeTakeFirst();
  if (given !== undefined) return fail('dispute-not-open', 'This stage has been answered.');
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
  return succeed(row);
}

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
