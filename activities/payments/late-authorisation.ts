/**
 * A hold that a PSP grants on an attempt that was closed before: nobody will capture it, so it is given back at once, and
 * asked about until that is proven. Left alone it would keep the player's money at his bank for a week.
 */
import { randomUUID } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { Database } from '#db/connect.ts';
import type { PaymentsLateVoid } from '#db/schema.generated.ts';
import { orThrow } from '#domain/failures.ts';
import { isClosedUnpaid } from '#domain/payments/attempt-state.ts';
import { unknownBudgetMs } from '#domain/payments/budgets.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { voidReference } from '#domain/payments/reference.ts';
import { toMoneyText, toUnits } from '#domain/money.ts';
import type { ActivityDeps } from '../deps.ts';
import { findAuthorisation } from './authorisations.ts';
import { openWorkItem } from './commands/work-items.ts';
import type { ModificationOrder } from './connectors.ts';
import { moneyOf, mustDeposit, readEvidence, sentForMs, type AttemptRow } from './payment-rows.ts';
import type { AttemptView } from './record-outcome.ts';

type Deps = Pick<ActivityDeps, 'db' | 'psps' | 'log'>;
type LateVoidRow = Selectable<PaymentsLateVoid> & { readonly sentForMs: number };
type Attempt = Pick<AttemptRow, 'depositId' | 'number' | 'psp' | 'reference'>;

/**
 * Call it after `outcome` was recorded, with the attempt as it stands now. What is closed stays so, whatever this does. The
 * PSP's own word about the charge is a proof, too: a person may have voided it there, or its time may be over.
 */
export async function releaseLateAuthorisation(
  deps: Deps,
  attempt: Attempt,
  standing: Pick<AttemptView, 'state'>,
  outcome: PspOutcome,
): Promise<void> {
  if (standing.state === 'late_approved') return endVoid(deps.db, attempt, 'captured');
  if (!isClosedUnpaid(standing.state)) return;
  if (outcome.kind === 'cancelled') return endVoid(deps.db, attempt, 'voided');
  if (outcome.kind !== 'authorised') return;
  const deposit = await mustDeposit(deps.db, attempt.depositId);
  // Captured by itself it is money that came late. A hold that was ours was ended by its own void.
  if (deposit.captureMode === 'automatic' || (await wasHeld(deps.db, attempt))) return;
  const begun = await beginVoid(deps.db, attempt, outcome);
  const row = begun ?? (await findVoid(deps.db, attempt));
  if (row === undefined || row.closedAt !== null) return;
  const answer = await askFor(deps, row, begun !== undefined);
  deps.log.info(
    { reference: attempt.reference, psp: attempt.psp, outcome: answer.kind },
    'psp answered about the void of a late authorisation',
  );
  await hear(deps.db, row, answer, deposit.brand, standing.state);
}

/** Sent once; from then on its status is asked, and where the PSP has no trace of it the same key is sent again. */
async function askFor(deps: Deps, row: LateVoidRow, isFirst: boolean): Promise<PspOutcome> {
  const parts = deps.psps.get(row.psp)?.modifications;
  if (!parts) return { kind: 'not_sent', reason: 'no such connector' };
  const order: ModificationOrder = {
    kind: 'void',
    isFinal: true,
    reference: row.reference,
    chargeReference: row.chargeReference,
    money: moneyOf(row),
    capturedBefore: toMoneyText(0n, row.asset),
    pspReference: row.pspReference,
    ageMs: row.sentForMs,
    evidence: isFirst ? [] : await readEvidence(deps.db, row.psp, `deposit:${row.depositId}`),
  };
  if (isFirst) return parts.modify(order);
  const told = await parts.modificationStatus(order);
  // A void of what is voided does no harm, so a call without trace needs no proof that it was lost.
  return told.kind === 'not_found' ? parts.modify(order) : told;
}

/** What is not proven stays open for the next question; a person hears of what was refused, is unclear, or takes a day. */
async function hear(
  db: Database,
  row: LateVoidRow,
  answer: PspOutcome,
  brand: string,
  attemptState: string,
): Promise<void> {
  if (answer.kind === 'approved' || answer.kind === 'cancelled') return endVoid(db, at(row), 'voided');
  await db
    .updateTable('payments.lateVoid')
    .set({
      ...(answer.kind === 'declined' ? { state: 'refused', rawCode: answer.rawCode.slice(0, 100) } : {}),
      // A name that was told once is not forgotten by an answer without it.
      pspReference: sql`coalesce(${answer.kind === 'pending' ? answer.pspReference : null}, psp_reference)`,
    })
    .where('depositId', '=', row.depositId)
    .where('attempt', '=', row.attempt)
    .where('closedAt', 'is', null)
    .execute();
  if (answer.kind === 'pending' && row.sentForMs < unknownBudgetMs) return;
  const says = answer.kind === 'pending' ? 'took its void and has not done it for a day' : 'does not void it';
  await showToPerson(
    db,
    row,
    brand,
    `${row.psp} holds money for attempt ${row.attempt}, which was closed as ${attemptState}, and ${says} (${row.reference})`,
  );
}

/** One item per deposit: where another one is open already this one follows after it, with a later question. */
async function showToPerson(db: Database, row: LateVoidRow, brand: string, reason: string): Promise<void> {
  const id = randomUUID();
  await db.transaction().execute(async (trx) => {
    await openWorkItem(trx, {
      id,
      kind: 'late-approval',
      subject: `deposit:${row.depositId}`,
      brand,
      reason,
    });
    await sql`
      update payments.late_void v set work_item_id = ${id}
      where v.deposit_id = ${row.depositId} and v.attempt = ${row.attempt}
        and exists (select from payments.work_item w where w.id = ${id})`.execute(trx);
  });
}

/** The hold is over. Its item closes by itself, unless a person owns it: that one closes it by this proof. */
async function endVoid(
  db: Database,
  { depositId, number }: Pick<Attempt, 'depositId' | 'number'>,
  state: 'voided' | 'captured',
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const ended = await trx
      .updateTable('payments.lateVoid')
      .set({ state, closedAt: sql<Date>`now()` })
      .where('depositId', '=', depositId)
      .where('attempt', '=', number)
      .where('closedAt', 'is', null)
      .returning(['workItemId', 'reference'])
      .executeTakeFirst();
    // What was captured is money that came late, and stays a person's or the policy's.
    if (ended === undefined || ended.workItemId === null || state === 'captured') return;
    await trx
      .updateTable('payments.workItem')
      .set({
        closedAt: sql<Date>`now()`,
        resolution: 'the PSP shows that the money is not held any more',
        proofKind: 'void',
        proofReference: ended.reference,
      })
      .where('id', '=', ended.workItemId)
      .where('closedAt', 'is', null)
      .where('owner', 'is', null)
      .execute();
  });
}

const at = (row: LateVoidRow) => ({ depositId: row.depositId, number: row.attempt });

/** Written before the call, for one caller only; undefined when it was begun before. */
async function beginVoid(
  db: Database,
  attempt: Attempt,
  held: Extract<PspOutcome, { kind: 'authorised' }>,
): Promise<LateVoidRow | undefined> {
  const row = await db
    .insertInto('payments.lateVoid')
    .values({
      depositId: attempt.depositId,
      attempt: attempt.number,
      psp: attempt.psp,
      reference: voidReference(attempt.depositId, attempt.number),
      chargeReference: held.pspReference,
      asset: held.authorised.asset,
      amount: orThrow(toUnits(held.authorised)).toString(),
    })
    .onConflict((conflict) => conflict.columns(['depositId', 'attempt']).doNothing())
    .returningAll()
    .executeTakeFirst();
  return row && { ...row, sentForMs: 0 };
}

const findVoid = (db: Database, { depositId, number }: Attempt): Promise<LateVoidRow | undefined> =>
  db
    .selectFrom('payments.lateVoid')
    .selectAll()
    .select(sentForMs.as('sentForMs'))
    .where('depositId', '=', depositId)
    .where('attempt', '=', number)
    .executeTakeFirst();

async function wasHeld(db: Database, attempt: Pick<AttemptRow, 'depositId' | 'number'>): Promise<boolean> {
  return (await findAuthorisation(db, attempt.depositId))?.attempt === attempt.number;
}

/** More would not help: with pauses up to a day these are three weeks, and no hold lives as long. */
const pokesMax = 30;

/** Holds that their deposits are to ask about again, each with pauses that double from a minute to a day. */
export async function takeDueVoids(
  db: Database,
): Promise<readonly { readonly depositId: string; readonly attempt: number }[]> {
  const { rows } = await sql<{ depositId: string; attempt: number }>`
    update payments.late_void v set pokes = v.pokes + 1, poked_at = now()
    where (v.deposit_id, v.attempt) in (select deposit_id, attempt from payments.late_void
      where closed_at is null and pokes < ${pokesMax}
        and coalesce(poked_at, sent_at) < now() - least(interval '1 minute' * power(2, least(pokes, 11)), interval '1 day')
      order by poked_at nulls first limit 200 for update skip locked)
    returning v.deposit_id, v.attempt`.execute(db);
  return rows;
}
