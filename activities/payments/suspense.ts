/**
 * Money that moved at our bank and that nobody can place: it stands in suspense, with a work item of the same subject, until
 * two people have proven whose it is, or a PSP's file tells that it was its payout. Nothing is written off.
 */
import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { Actor } from '#activities/compliance/append-event.ts';
import { openSuspense, releaseSuspense } from '#activities/wallet/post-house.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsSuspenseItem } from '#db/schema.generated.ts';
import { assertNever, fail, orThrow, succeed, type Result } from '#domain/failures.ts';
import type { SuspenseProofKind } from '#domain/payments/work-items.ts';
import { adjustments, clearingOf, type HouseAccount } from '#domain/wallet/chart.ts';
import { isNamedBy } from './bank-names.ts';
import { openReturnOf } from './commands/suspense-senders.ts';
import { queueReturn } from './sepa/suspense-returns.ts';

export type SuspenseItemRow = Selectable<PaymentsSuspenseItem>;
export type SuspenseProof = { readonly kind: SuspenseProofKind; readonly reference: string };

export type UnplacedMoney = {
  readonly subject: string;
  readonly psp: string;
  readonly asset: string;
  /** Signed as our account at the bank moved. */
  readonly amount: bigint;
  readonly endToEndId: string | null;
  readonly reference: string;
};

/** In the transaction that opens its work item. */
export async function putIntoSuspense(trx: Trx, money: UnplacedMoney, actor: Actor): Promise<void> {
  const { subject, psp, asset, amount } = money;
  const { journalId } = orThrow(
    await openSuspense(trx, {
      key: `suspense:${subject}:open`,
      psp,
      asset,
      amount,
      subject,
      fingerprint: fingerprintOf(subject, amount),
      actor,
      reason: 'money at the bank that nobody can place',
    }),
  );
  await trx
    .insertInto('payments.suspenseItem')
    .values({ ...money, amount: amount.toString(), journalId })
    .execute();
}

/** What the subject still has in suspense; undefined where it has nothing there. */
export const lockSuspense = (trx: Trx, subject: string): Promise<SuspenseItemRow | undefined> =>
  trx
    .selectFrom('payments.suspenseItem')
    .selectAll()
    .where('subject', '=', subject)
    .where('releasedAt', 'is', null)
    .forUpdate()
    .executeTakeFirst();

/**
 * One person names a proof, which is looked up; another one who names the same releases the money. `released` are the
 * subjects that left suspense, none after a proposal. Failure: `invalid-request` (the proof is not there, or of other money).
 */
export async function proveSuspense(
  trx: Trx,
  held: SuspenseItemRow,
  proof: SuspenseProof,
  by: { readonly operatorId: string; readonly reason: string },
): Promise<Result<{ readonly released: readonly string[] }>> {
  if ((await openReturnOf(trx, held.subject)) !== undefined)
    return fail('invalid-request', 'It is on its way back to its sender, as two people decided.');
  const other = proof.kind === 'bank-entry' ? await lockSuspense(trx, proof.reference) : undefined;
  if (!(await isProven(trx, held, other, proof)))
    return fail('invalid-request', `There is no ${proof.kind} of that name that is of this money.`);
  const isProposed = held.proposedKind === proof.kind && held.proposedReference === proof.reference;
  if (!isProposed) {
    await trx
      .updateTable('payments.suspenseItem')
      .set({
        proposedBy: by.operatorId,
        proposedKind: proof.kind,
        proposedReference: proof.reference,
        proposedAt: sql<Date>`now()`,
      })
      .where('subject', '=', held.subject)
      .execute();
    return succeed({ released: [] });
  }
  // A repeat of the proposal does not become a second opinion.
  if (held.proposedBy === by.operatorId) return succeed({ released: [] });
  if (proof.kind === 'return') {
    // Leaves suspense when the bank has carried it out, not when people wish it.
    await queueReturn(trx, held, { proposedBy: held.proposedBy ?? '', decidedBy: by.operatorId });
    return succeed({ released: [] });
  }
  const actor = { kind: 'operator', id: by.operatorId } as const;
  if (other === undefined) {
    const to = await targetOf(trx, held, proof);
    await release(trx, held, { proof, to, actor, reason: by.reason });
    return succeed({ released: [held.subject] });
  }
  await release(trx, held, { proof, to: clearingOf(held.psp), actor, reason: by.reason });
  // The movement that took it back is proven by the same two people, so it carries their proposal.
  const back: SuspenseProof = { kind: 'bank-entry', reference: held.subject };
  await trx
    .updateTable('payments.suspenseItem')
    .set({
      proposedBy: held.proposedBy,
      proposedKind: back.kind,
      proposedReference: back.reference,
      proposedAt: held.proposedAt,
    })
    .where('subject', '=', other.subject)
    .execute();
  await release(trx, other, { proof: back, to: clearingOf(held.psp), actor, reason: by.reason });
  return succeed({ released: [held.subject, other.subject] });
}

/** A payout of a PSP that its file has told: the ledger shows it at the bank by `psp.payout`, so it is unplaced no more. */
export async function releasePayout(
  trx: Trx,
  payout: {
    readonly psp: string;
    readonly naturalKey: string;
    readonly pspReference: string;
    readonly asset: string;
    readonly amount: bigint;
  },
): Promise<void> {
  const held = await trx
    .selectFrom('payments.suspenseItem')
    .selectAll()
    .where('asset', '=', payout.asset)
    .where('amount', '=', payout.amount.toString())
    .where('releasedAt', 'is', null)
    .where(
      sql<boolean>`not exists (select from payments.suspense_return r
        where r.subject = payments.suspense_item.subject and r.state <> 'rejected')`,
    )
    .where(
      isNamedBy(sql`${payout.pspReference}::text`, {
        endToEndId: sql.ref('end_to_end_id'),
        words: sql.ref('reference'),
      }),
    )
    .orderBy('openedAt')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  if (held === undefined) return;
  const reference = `${payout.psp}:${payout.naturalKey}`;
  const resolution = `it was the payout ${payout.pspReference} of ${payout.psp}`;
  const actor = { kind: 'system', id: 'reconciliation' } as const;
  await release(trx, held, {
    proof: { kind: 'psp-payout', reference },
    to: clearingOf(held.psp),
    actor,
    reason: resolution,
  });
  await closeItemOf(trx, held.subject, { kind: 'psp-payout', reference, resolution });
}

/** What the bank has sent back to its sender, as two people decided; `movement` is what carried it out. */
export async function releaseReturned(trx: Trx, subject: string, movement: string): Promise<void> {
  const held = await lockSuspense(trx, subject);
  if (held === undefined) throw new Error(`Invariant broken: what is returned of ${subject} is in suspense`);
  const resolution = `it went back to its sender: ${movement}`;
  await release(trx, held, {
    proof: { kind: 'return', reference: subject },
    to: clearingOf(held.psp),
    actor: { kind: 'workflow', id: 'bank-reports' },
    reason: resolution,
  });
  await closeItemOf(trx, subject, { kind: 'return', reference: movement, resolution });
}

/** Nobody has to close what the books have explained. */
async function closeItemOf(
  trx: Trx,
  subject: string,
  proof: { readonly kind: 'psp-payout' | 'return'; readonly reference: string; readonly resolution: string },
): Promise<void> {
  await trx
    .updateTable('payments.workItem')
    .set({
      closedAt: sql<Date>`now()`,
      resolution: proof.resolution.slice(0, 500),
      proofKind: proof.kind,
      proofReference: proof.reference.slice(0, 200),
    })
    .where('subject', '=', subject)
    .where('closedAt', 'is', null)
    .execute();
}

type Release = {
  readonly proof: SuspenseProof | { readonly kind: 'psp-payout'; readonly reference: string };
  readonly to: HouseAccount;
  readonly actor: Actor;
  readonly reason: string;
};

async function release(
  trx: Trx,
  held: SuspenseItemRow,
  { proof, to, actor, reason }: Release,
): Promise<void> {
  const { subject, psp, asset } = held;
  const amount = BigInt(held.amount);
  const { journalId } = orThrow(
    await releaseSuspense(trx, {
      key: `suspense:${subject}:release`,
      psp,
      asset,
      amount,
      to,
      subject,
      fingerprint: fingerprintOf(`${subject}\n${proof.kind}\n${proof.reference}`, amount),
      actor,
      reason,
    }),
  );
  await trx
    .updateTable('payments.suspenseItem')
    .set({
      releasedAt: sql<Date>`now()`,
      releasedBy: `${actor.kind}:${actor.id}`,
      releaseKind: proof.kind,
      releaseReference: proof.reference,
      releaseJournalId: journalId,
    })
    .where('subject', '=', subject)
    .execute();
}

const fingerprintOf = (about: string, amount: bigint): Buffer =>
  createHash('sha256').update(`${about}\n${amount}`).digest();

async function isProven(
  trx: Trx,
  held: SuspenseItemRow,
  other: SuspenseItemRow | undefined,
  { kind, reference }: SuspenseProof,
): Promise<boolean> {
  switch (kind) {
    case 'bank-entry':
      return other !== undefined && evensOut(held, other);
    case 'correction':
      return isCorrected(trx, held, reference);
    case 'journal':
      return isBooked(trx, held, reference);
    case 'break':
      return (await shortPayout(trx, held, reference)) !== undefined;
    case 'return':
      return reference === held.subject && (await hasSender(trx, held.subject));
    default:
      return assertNever(kind);
  }
}

/**
 * A correction took the money from the house that it gave to a player; a payout of another amount than told is what its PSP
 * has paid of what it owes. All else is what the bank holds of ours, which moved as if it were twice.
 */
async function targetOf(
  trx: Trx,
  held: SuspenseItemRow,
  { kind, reference }: SuspenseProof,
): Promise<HouseAccount> {
  if (kind === 'correction') return adjustments;
  const payout = kind === 'break' ? await shortPayout(trx, held, reference) : undefined;
  return clearingOf(payout?.psp ?? held.psp);
}

/** The payout of a PSP that its file tells with another amount than came: what came is the break's, to the unit. */
const shortPayout = (trx: Trx, held: SuspenseItemRow, breakId: string) =>
  trx
    .selectFrom('payments.reconciliationBreak')
    .select('psp')
    .where(sql<boolean>`id::text = ${breakId}`)
    .where('kind', '=', 'bank')
    .where('asset', '=', held.asset)
    .where('found', '=', held.amount)
    .executeTakeFirst();

/** Kept only of money that came in, in euros, from an account that can be paid to. */
const hasSender = async (trx: Trx, subject: string): Promise<boolean> =>
  (await trx
    .selectFrom('payments.suspenseSender')
    .select('subject')
    .where('subject', '=', subject)
    .executeTakeFirst()) !== undefined;

/** A movement that took the same money back, or the one that it took back. */
const evensOut = (held: SuspenseItemRow, other: SuspenseItemRow): boolean =>
  other.subject !== held.subject &&
  other.psp === held.psp &&
  other.asset === held.asset &&
  BigInt(other.amount) === -BigInt(held.amount);

/** Two people have given a player this money, or taken it from him: of the same sum, made after it came, and of no other. */
async function isCorrected(trx: Trx, held: SuspenseItemRow, adjustmentId: string): Promise<boolean> {
  const amount = BigInt(held.amount);
  const { rows } = await sql`
    select 1 from wallet.adjustment a
    where a.id::text = ${adjustmentId} and a.state = 'posted' and a.asset = ${held.asset}
      and a.decided_at > ${held.openedAt} and a.direction = ${amount > 0n ? 'credit' : 'debit'}
      and a.amount = ${(amount > 0n ? amount : -amount).toString()}::numeric
      and not exists (select from payments.suspense_item s
        where s.release_kind = 'correction' and s.release_reference = ${adjustmentId})
      and not exists (select from payments.reconciliation_break b
        where b.proof_kind = 'correction' and b.proof_reference = ${adjustmentId})`.execute(trx);
  return rows.length > 0;
}

/** The payment was booked by itself afterwards, so the same movement stands twice in what the bank holds of ours. */
async function isBooked(trx: Trx, held: SuspenseItemRow, journalId: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from wallet.journal j
    where j.id::text = ${journalId} and j.asset = ${held.asset} and j.occurred_at > ${held.openedAt}
      and j.code in ('deposit.capture', 'withdrawal.settle', 'withdrawal.return')
      and (select sum(e.amount) from wallet.entry e where e.journal_id = j.id and e.player_id is null
        and e.account = ${`psp:${held.psp}:clearing`}) = ${(-BigInt(held.amount)).toString()}::numeric
      and not exists (select from payments.suspense_item s
        where s.release_kind = 'journal' and s.release_reference = ${journalId})`.execute(trx);
  return rows.length > 0;
}
