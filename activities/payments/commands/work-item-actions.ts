/** What staff do with a work item: own it, speak about it, close it by what its kind asks for. */
import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsWorkItem } from '#db/schema.generated.ts';
import { assertNever, fail, succeed, type Result } from '#domain/failures.ts';
import { closingRuleOf, suspenseProofKinds, type WorkItemProofKind } from '#domain/payments/work-items.ts';
import { giveUpSetAside } from '../sepa/written-transfers.ts';
import { lockSuspense, proveSuspense, type SuspenseItemRow } from '../suspense.ts';

export type WorkItemRow = Selectable<PaymentsWorkItem>;
export type WorkItemProof = { readonly kind: WorkItemProofKind; readonly reference: string };

/** Makes an operator the owner. Failures: `not-found`, `work-item-not-open`. */
export async function assignWorkItem(
  trx: Trx,
  id: string,
  owner: string,
  by: string,
): Promise<Result<WorkItemRow>> {
  const row = await lockItem(trx, id);
  if (row === undefined) return notFound;
  if (row.closedAt !== null) return fail('work-item-not-open', 'The work item is closed.');
  if (row.owner === owner) return succeed(row);
  await appendEvent(
    trx,
    {
      type: 'payments.work-item.assigned',
      version: 1,
      brand: row.brand ?? '*',
      playerId: null,
      payload: { workItemId: id, kind: row.kind, ownerId: owner },
    },
    { actor: { kind: 'operator', id: by }, subject: row.subject },
  );
  if (row.kind === 'reconciliation-break') {
    await trx
      .updateTable('payments.reconciliationBreak')
      .set({ owner })
      .where('id', '=', row.subject.replace(/^break:/, ''))
      .execute();
  }
  return succeed(await updateItem(trx, id, { owner }));
}

/** Adds what a person has found out. A repeat of the same id is the same comment. Failure: `not-found`. */
export async function commentWorkItem(
  trx: Trx,
  id: string,
  comment: { readonly commentId: string; readonly text: string; readonly operatorId: string },
): Promise<Result<WorkItemRow>> {
  const row = await lockItem(trx, id);
  if (row === undefined) return notFound;
  const inserted = await trx
    .insertInto('payments.workItemComment')
    .values({
      id: comment.commentId,
      workItemId: id,
      operatorId: comment.operatorId,
      comment: comment.text,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted === undefined) {
    const known = await trx
      .selectFrom('payments.workItemComment')
      .select(['workItemId', 'comment'])
      .where('id', '=', comment.commentId)
      .executeTakeFirstOrThrow();
    return known.workItemId === id && known.comment === comment.text
      ? succeed(row)
      : fail('idempotency-key-reused', 'This key was used for another comment.');
  }
  await appendEvent(
    trx,
    {
      type: 'payments.work-item.commented',
      version: 1,
      brand: row.brand ?? '*',
      playerId: null,
      payload: { workItemId: id, kind: row.kind, commentId: comment.commentId },
    },
    { actor: { kind: 'operator', id: comment.operatorId }, subject: row.subject },
  );
  return succeed(row);
}

/**
 * Closes an item as its kind asks. Failures: `not-found`, `work-item-not-open` (closed before, or its subject has not come
 * to its end), `invalid-request` (it closes by another action, or the proof is missing or is not there). What stands in suspense is released with it, by a second person. A repeat by the
 * same hand with the same proof is answered with the item.
 */
export async function closeWorkItem(
  trx: Trx,
  id: string,
  closing: { readonly reason: string; readonly proof: WorkItemProof | null; readonly operatorId: string },
): Promise<Result<WorkItemRow>> {
  const row = await lockItem(trx, id);
  if (row === undefined) return notFound;
  const { proof, reason, operatorId } = closing;
  if (row.closedAt !== null) {
    const isRepeat =
      row.closedBy === operatorId &&
      row.resolution === reason &&
      (proof?.reference ?? row.proofReference) === row.proofReference;
    return isRepeat ? succeed(row) : fail('work-item-not-open', 'The work item is closed.');
  }
  const held = await lockSuspense(trx, row.subject);
  if (held !== undefined) return closeSuspended(trx, row, held, closing);
  const shown = await proofOf(trx, row, proof);
  if (!shown.ok) return shown;
  if (row.kind === 'unwritable-payout') await giveUpSetAside(trx, row.subject, reason);
  return succeed(await closeProven(trx, row, shown.value, closing));
}

type Closing = Parameters<typeof closeWorkItem>[2];

/** Its money stands in suspense: one person proposes a proof (the item stays open), another one closes with the same. */
async function closeSuspended(
  trx: Trx,
  row: WorkItemRow,
  held: SuspenseItemRow,
  closing: Closing,
): Promise<Result<WorkItemRow>> {
  const { proof } = closing;
  const kind = suspenseProofKinds.find((known) => known === proof?.kind);
  if (proof === null || kind === undefined)
    return fail(
      'invalid-request',
      'Its money is in suspense: name the correction that gave it to a player, the movement that took it back, the journal of its payment, the break of its payout, or its return to the sender.',
    );
  const proven = await proveSuspense(trx, held, { kind, reference: proof.reference }, closing);
  if (!proven.ok) return proven;
  const others = await trx
    .selectFrom('payments.workItem')
    .selectAll()
    .where('subject', 'in', ['', ...proven.value.released])
    .where('id', '<>', row.id)
    .where('closedAt', 'is', null)
    .forUpdate()
    .execute();
  for (const other of others)
    await closeProven(trx, other, { kind: 'bank-entry', reference: row.subject }, closing);
  return succeed(proven.value.released.length === 0 ? row : await closeProven(trx, row, proof, closing));
}

async function closeProven(
  trx: Trx,
  row: WorkItemRow,
  shown: { readonly kind: string; readonly reference: string } | null,
  { reason, operatorId }: Closing,
): Promise<WorkItemRow> {
  const { id } = row;
  const closed = await updateItem(trx, id, {
    closedAt: sql<Date>`now()`,
    closedBy: operatorId,
    resolution: reason,
    proofKind: shown?.kind ?? null,
    proofReference: shown?.reference ?? null,
  });
  await appendEvent(
    trx,
    {
      type: 'payments.work-item.closed',
      version: 1,
      brand: row.brand ?? '*',
      playerId: null,
      payload: {
        workItemId: id,
        kind: row.kind,
        proof: shown?.kind ?? null,
        reference: shown?.reference ?? null,
      },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: row.subject, reason },
  );
  return closed;
}

/** The hold that an item speaks of is asked about at the next turn of the sweep: somebody says that he has voided it. */
export async function askVoidSoon(db: Database, workItemId: string): Promise<void> {
  await db
    .updateTable('payments.lateVoid')
    .set({ pokes: 0, pokedAt: null })
    .where('workItemId', '=', workItemId)
    .where('closedAt', 'is', null)
    .execute();
}

async function proofOf(
  trx: Trx,
  row: WorkItemRow,
  proof: WorkItemProof | null,
): Promise<Result<{ readonly kind: string; readonly reference: string } | null>> {
  const { by } = closingRuleOf(row.kind);
  switch (by) {
    case 'own-action':
      return fail(
        'invalid-request',
        'This kind closes by an action of its own: a break by its proof, a day by its file.',
      );
    case 'ended':
      return (await hasEnded(trx, row.subject))
        ? succeed({ kind: 'ended', reference: row.subject })
        : fail('work-item-not-open', 'What it is about has not come to its end; its money is still open.');
    case 'proof':
      if (proof === null) return fail('invalid-request', 'This kind needs a proof of where the money is.');
      break;
    case 'reason':
      if (proof === null) return succeed(null);
      break;
    default:
      return assertNever(by);
  }
  return (await isThere(trx, row, proof))
    ? succeed(proof)
    : fail(
        'invalid-request',
        proof.kind === 'void'
          ? 'The PSP has not shown a void of that name for this work item; it is asked again within minutes.'
          : `There is no ${proof.kind} of that name that fits this work item.`,
      );
}

/** A payment whose end is written: nothing of it is held or waited for any more. */
async function hasEnded(trx: Trx, subject: string): Promise<boolean> {
  const { rows } = await sql<{ ended: boolean }>`
    select coalesce(
      (select state in ('captured', 'failed') from payments.deposit where 'deposit:' || id = ${subject}),
      (select closed_at is not null from payments.withdrawal where 'withdrawal:' || id = ${subject}),
      (select closed_at is not null from payments.refund where 'refund:' || id = ${subject}), false) as ended`.execute(
    trx,
  );
  return rows[0]?.ended === true;
}

/** Looked up, and about the same thing where the item says what it is about; made after it was opened. */
async function isThere(trx: Trx, row: WorkItemRow, { kind, reference }: WorkItemProof): Promise<boolean> {
  const { rows } = await proofQuery(row, kind, reference).execute(trx);
  return rows.length > 0;
}

function proofQuery(row: WorkItemRow, kind: WorkItemProofKind, reference: string) {
  switch (kind) {
    case 'journal':
      return sql`select 1 from wallet.journal j where j.id::text = ${reference}
        and (j.subject = ${row.subject} or ${row.subject} !~ '^(deposit|withdrawal|refund|dispute):') limit 1`;
    case 'correction':
      return sql`select 1 from wallet.adjustment where id::text = ${reference} and state = 'posted'
        and requested_at >= ${row.openedAt} limit 1`;
    case 'refund':
      return sql`select 1 from payments.refund r where r.id::text = ${reference} and r.state = 'paid'
        and (${row.subject} !~ '^(deposit|refund):' or ${row.subject} in ('deposit:' || r.deposit_id, 'refund:' || r.id))
        limit 1`;
    case 'bank-line':
      return sql`select 1 from payments.bank_line l where l.id::text = ${reference} limit 1`;
    // Only the item that speaks of this very hold: another one of the deposit is about money that was taken.
    case 'void':
      return sql`select 1 from payments.late_void v where v.work_item_id = ${row.id} and v.reference = ${reference}
        and v.state = 'voided' limit 1`;
    // Takes money out of suspense, where this item has none any more or never had.
    case 'bank-entry':
    case 'break':
    case 'return':
      return sql`select 1 where false`;
    default:
      return assertNever(kind);
  }
}

const notFound = fail('not-found', 'There is no such work item.');

const lockItem = (trx: Trx, id: string): Promise<WorkItemRow | undefined> =>
  trx.selectFrom('payments.workItem').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

const updateItem = (trx: Trx, id: string, set: object): Promise<WorkItemRow> =>
  trx.updateTable('payments.workItem').set(set).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
