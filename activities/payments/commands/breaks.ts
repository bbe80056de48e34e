/** Breaks of reconciliation: opened with a work item, owned by a person, closed by a proof and by nothing else. */
import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsReconciliationBreak } from '#db/schema.generated.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { BreakKind } from '#domain/payments/settlement.ts';
import { isProven, needsSecondPerson } from './break-proofs.ts';
import { openWorkItem } from './work-items.ts';

export type BreakRow = Selectable<PaymentsReconciliationBreak>;

export type NewBreak = {
  readonly psp: string;
  /** UTC day, `2026-11-25`. */
  readonly day: string;
  readonly kind: BreakKind;
  readonly naturalKey: string;
  readonly subject: string | null;
  /** Of the call that an unexplained line names by our reference. */
  readonly attempt?: number | null;
  readonly asset: string | null;
  readonly expected: bigint | null;
  readonly found: bigint | null;
};

/** Opens a break and its work item; one that was opened before stays as it is. */
export async function openBreak(trx: Trx, one: NewBreak): Promise<void> {
  const row = await trx
    .insertInto('payments.reconciliationBreak')
    .values({
      ...one,
      day: sql<Date>`${one.day}::date`,
      expected: one.expected?.toString() ?? null,
      found: one.found?.toString() ?? null,
    })
    .onConflict((conflict) => conflict.columns(['psp', 'day', 'kind', 'naturalKey']).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (row === undefined) return;
  await openWorkItem(trx, {
    kind: 'reconciliation-break',
    subject: `break:${row.id}`,
    brand: null,
    reason: `${one.kind} at ${one.psp} on ${one.day}: ${one.naturalKey}`.slice(0, 500),
  });
  await appendEvent(
    trx,
    {
      type: 'payments.break.opened',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { breakId: row.id, psp: one.psp, day: one.day, kind: one.kind },
    },
    { actor: { kind: 'system', id: 'reconciliation' }, subject: `break:${row.id}` },
  );
}

export const proofKinds = ['later-line', 'bank-line', 'journal', 'correction', 'movement'] as const;
export type Proof = { readonly kind: (typeof proofKinds)[number]; readonly reference: string };

/** Makes an operator the owner of a break. Failures: `not-found`, `break-not-open`. */
export async function assignBreak(
  trx: Trx,
  breakId: string,
  owner: string,
  by: string,
): Promise<Result<BreakRow>> {
  const row = await lockBreak(trx, breakId);
  if (row === undefined) return fail('not-found', 'There is no such break.');
  if (row.closedAt !== null) return fail('break-not-open', 'The break is closed.');
  if (row.owner === owner) return succeed(row);
  await trx
    .updateTable('payments.workItem')
    .set({ owner })
    .where('subject', '=', `break:${breakId}`)
    .where('closedAt', 'is', null)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'payments.break.assigned',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { breakId, ownerId: owner },
    },
    { actor: { kind: 'operator', id: by }, subject: `break:${breakId}` },
  );
  return succeed(
    await trx
      .updateTable('payments.reconciliationBreak')
      .set({ owner })
      .where('id', '=', breakId)
      .returningAll()
      .executeTakeFirstOrThrow(),
  );
}

/**
 * Closes a break by a proof that exists and is about it: a line of a later file, a line of a bank statement, the movement
 * that its line was matched with afterwards, a journal on the PSP's accounts, or a correction that two people made. The last two are proposed by one person (the break stays open)
 * and closed by another one who names the same. Failures: `not-found`, `break-not-open`, `invalid-request` (the proof is not there, or proves something else).
 */
export async function closeBreak(
  trx: Trx,
  breakId: string,
  closing: { readonly proof: Proof; readonly resolution: string; readonly actor: Actor },
): Promise<Result<BreakRow>> {
  const row = await lockBreak(trx, breakId);
  if (row === undefined) return fail('not-found', 'There is no such break.');
  if (row.closedAt !== null) {
    // A repeat by the same hand with the same proof is answered with what came of it.
    const { actor: by, proof } = closing;
    return row.closedBy === `${by.kind}:${by.id}` &&
      row.proofKind === proof.kind &&
      row.proofReference === proof.reference
      ? succeed(row)
      : fail('break-not-open', 'The break is closed.');
  }
  if (!(await isProven(trx, row, closing.proof)))
    return fail('invalid-request', `There is no ${closing.proof.kind} of that name that fits this break.`);
  const { actor, proof, resolution } = closing;
  if (needsSecondPerson(proof.kind)) {
    const isProposed = row.proposedKind === proof.kind && row.proposedReference === proof.reference;
    if (!isProposed) return propose(trx, row, proof, actor);
    // A repeat of the proposal; it does not become a second opinion by that.
    if (row.proposedBy === actor.id) return succeed(row);
  }
  const closed = await trx
    .updateTable('payments.reconciliationBreak')
    .set({
      closedAt: sql<Date>`now()`,
      closedBy: `${actor.kind}:${actor.id}`,
      proofKind: proof.kind,
      proofReference: proof.reference,
      resolution,
    })
    .where('id', '=', breakId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await trx
    .updateTable('payments.workItem')
    .set({
      closedAt: sql<Date>`now()`,
      resolution: `${proof.kind} ${proof.reference}: ${resolution}`,
      ...(actor.kind === 'operator' ? { closedBy: actor.id } : {}),
    })
    .where('subject', '=', `break:${breakId}`)
    .where('closedAt', 'is', null)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'payments.break.closed',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { breakId, proof: proof.kind, reference: proof.reference },
    },
    { actor, subject: `break:${breakId}`, reason: resolution },
  );
  return succeed(closed);
}

/** The last proposal stands: a second one is another person's other opinion. */
async function propose(trx: Trx, row: BreakRow, proof: Proof, actor: Actor): Promise<Result<BreakRow>> {
  const proposed = await trx
    .updateTable('payments.reconciliationBreak')
    .set({
      proposedBy: actor.id,
      proposedKind: proof.kind,
      proposedReference: proof.reference,
      proposedAt: sql<Date>`now()`,
    })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return succeed(proposed);
}

const lockBreak = (trx: Trx, breakId: string) =>
  trx
    .selectFrom('payments.reconciliationBreak')
    .selectAll()
    .where('id', '=', breakId)
    .forUpdate()
    .executeTakeFirst();
