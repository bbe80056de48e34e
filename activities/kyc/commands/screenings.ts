/** Rows of questions about lists: begun before the vendor is asked, answered once, and a hit decided by one person. */
import { randomUUID } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { KycScreening } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { isNews, screeningHoldsHours, screeningStates, type ScreeningState } from '#domain/kyc/screening.ts';

export type ScreeningRow = Selectable<KycScreening>;

export type ScreeningSubject = {
  readonly subject: string;
  readonly playerId: string;
  readonly brand: string;
};

export type ScreeningAnswer = {
  readonly listVersion: string;
  readonly hits: readonly { readonly id: string; readonly list: string }[];
};

export type ScreenedApplicant = { readonly applicantId: string; readonly externalUserId: string };

/**
 * Which of a player's applicants at the vendor is asked about lists: the one whose documents were approved last. Null while no check of the player has been approved at the vendor, or its level was taken back.
 */
export async function identifiedApplicant(db: Database, playerId: string): Promise<ScreenedApplicant | null> {
  const row = await db
    .selectFrom('kyc.levelGrant')
    .innerJoin('kyc.verification', 'kyc.verification.id', 'kyc.levelGrant.verificationId')
    .select(['vendorApplicantId', 'vendorUserId'])
    .where('kyc.levelGrant.playerId', '=', playerId)
    .where('revokedAt', 'is', null)
    .where('vendorApplicantId', 'is not', null)
    .orderBy('grantedAt', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row || row.vendorApplicantId === null) return null;
  return { applicantId: row.vendorApplicantId, externalUserId: row.vendorUserId };
}

/** The caller holds the lock of what is screened. A row that is `asked` is to be asked; the others have their answer. */
export async function currentScreening(trx: Trx, about: ScreeningSubject): Promise<ScreeningRow> {
  const { rows } = await sql<{ id: string; isFresh: boolean }>`
    select id, state in ('asked', 'hit', 'confirmed')
      or answered_at > now() - make_interval(hours => ${screeningHoldsHours}) as is_fresh
    from kyc.screening where subject = ${about.subject} order by number desc limit 1`.execute(trx);
  const [last] = rows;
  if (last?.isFresh === true) return readScreening(trx, last.id);
  return trx
    .insertInto('kyc.screening')
    .values({
      id: randomUUID(),
      ...about,
      number: sql<number>`(select coalesce(max(number), 0) + 1 from kyc.screening where subject = ${about.subject})`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Keeps the vendor's answer, the first one that comes; answers with the row as it then stands. */
export async function answerScreening(trx: Trx, id: string, answer: ScreeningAnswer): Promise<ScreeningRow> {
  const row = await lockScreening(trx, id);
  if (row === null) throw new Error(`Invariant broken: screening ${id} is gone`);
  if (row.state !== 'asked') return row;
  const hitIds = answer.hits.map((hit) => hit.id);
  const before = await trx
    .selectFrom('kyc.screening')
    .select('hitIds')
    .where('playerId', '=', row.playerId)
    .where('state', '=', 'cleared')
    .execute();
  const state: ScreeningState = isNews(
    hitIds,
    before.flatMap((known) => known.hitIds),
  )
    ? 'hit'
    : 'clear';
  const answered = await trx
    .updateTable('kyc.screening')
    .set({
      state,
      listVersion: answer.listVersion,
      answeredAt: sql<Date>`now()`,
      hitIds,
      lists: [...new Set(answer.hits.map(({ list }) => list))],
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'kyc.screening.answered',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: {
        screeningId: id,
        playerId: row.playerId,
        subject: row.subject,
        outcome: state,
        listVersion: answer.listVersion,
        lists: answered.lists,
      },
    },
    { actor: { kind: 'workflow', id: row.subject }, subject: row.subject },
  );
  return answered;
}

/**
 * One person's word about a hit, for good. Failures: `not-found`, `own-approval`, `already-decided` (decided otherwise, or
 * nothing to decide).
 */
export async function decideScreening(
  trx: Trx,
  id: string,
  decision: {
    readonly state: 'cleared' | 'confirmed';
    readonly operatorId: string;
    readonly reason: string;
  },
): Promise<Result<ScreeningRow>> {
  const row = await lockScreening(trx, id);
  if (row === null) return fail('not-found', 'There is no such screening.');
  if (row.playerId === decision.operatorId) return fail('own-approval', 'Nobody decides about himself.');
  if (row.state === decision.state && row.decidedBy === decision.operatorId) return succeed(row);
  if (row.state !== 'hit') return fail('already-decided', `The screening is ${row.state}.`);
  const decided = await trx
    .updateTable('kyc.screening')
    .set({
      state: decision.state,
      decidedBy: decision.operatorId,
      decidedAt: sql<Date>`now()`,
      reason: decision.reason,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'kyc.screening.decided',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { screeningId: id, playerId: row.playerId, subject: row.subject, outcome: decision.state },
    },
    {
      actor: { kind: 'operator', id: decision.operatorId },
      subject: row.subject,
      reason: decision.reason,
    },
  );
  return succeed(decided);
}

/** The match that a person has confirmed for what is screened, or null. */
export async function confirmedScreening(trx: Trx, subject: string): Promise<ScreeningRow | null> {
  const row = await trx
    .selectFrom('kyc.screening')
    .selectAll()
    .where('subject', '=', subject)
    .where('state', '=', 'confirmed')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

export function screeningStateOf(row: Pick<ScreeningRow, 'id' | 'state'>): ScreeningState {
  const state = screeningStates.find((known) => known === row.state);
  if (state === undefined) throw new Error(`Invariant broken: screening ${row.id} is ${row.state}`);
  return state;
}

const readScreening = (trx: Trx, id: string): Promise<ScreeningRow> =>
  trx.selectFrom('kyc.screening').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

async function lockScreening(trx: Trx, id: string): Promise<ScreeningRow | null> {
  const row = await trx
    .selectFrom('kyc.screening')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  return row ?? null;
}
