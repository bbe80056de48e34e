/**
 * Money in suspense that is nobody's here goes back to its sender: two people decide it, it leaves in the next file of
 * payouts, and the movement at the bank that carries it out takes it from suspense. Rejected, it waits for people again.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { sealAlone } from '#activities/personal-data.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { BankLine } from '#domain/payments/sepa/camt.ts';
import { problemOfTransfer, type CreditTransfer } from '#domain/payments/sepa/pain-001.ts';
import type { ActivityDeps } from '../../deps.ts';
import { readSender, senderContext, type Sender } from '../commands/suspense-senders.ts';

type KeyRing = ActivityDeps['keyRing'];

const transferTo = (
  creditor: Sender,
  of: { readonly endToEndId: string; readonly amount: bigint; readonly subject: string },
  requestedOn: string,
): CreditTransfer => ({
  endToEndId: of.endToEndId,
  amount: of.amount,
  creditor,
  remittance: `Return of your transfer ${of.subject.replace(/^bank-entry:/, '')}`,
  requestedOn,
});

/** With the money that goes into suspense: who sent it, where that account can be paid to. */
export async function keepSender(trx: Trx, keyRing: KeyRing, subject: string, line: BankLine): Promise<void> {
  const { counterpartyName: name, counterpartyIban: iban, amount, asset, bookedOn } = line;
  // What came back to us was ours: its other side is who we had paid.
  if (amount <= 0n || asset !== 'EUR' || line.returnReason !== null || name === null || iban === null) return;
  const sender = { name, iban };
  if (problemOfTransfer(transferTo(sender, { endToEndId: 'R0', amount, subject }, bookedOn)) !== null) return;
  await trx
    .insertInto('payments.suspenseSender')
    .values({
      subject,
      ...sealAlone(keyRing, Buffer.from(JSON.stringify(sender), 'utf8'), senderContext(subject)),
    })
    .execute();
}

/** Puts the payment back into the queue of the bank, in the name of both people. */
export async function queueReturn(
  trx: Trx,
  held: { readonly subject: string; readonly amount: string },
  by: { readonly proposedBy: string; readonly decidedBy: string },
): Promise<void> {
  const id = randomUUID();
  await trx
    .insertInto('payments.suspenseReturn')
    .values({
      reference: `return:${id}`,
      subject: held.subject,
      // Letters and digits that every bank passes on, at most 35.
      endToEndId: `R${id.replaceAll('-', '')}`,
      amount: held.amount,
      ...by,
    })
    .execute();
}

/** As a file carries them, in the order of `references`. */
export async function writeReturns(
  trx: Database | Trx,
  keyRing: KeyRing,
  references: readonly string[],
  requestedOn: string,
): Promise<readonly (CreditTransfer & { readonly reference: string })[]> {
  if (references.length === 0) return [];
  const rows = await trx
    .selectFrom('payments.suspenseReturn')
    .select(['reference', 'endToEndId', 'amount', 'subject'])
    .where('reference', 'in', references)
    .execute();
  const byReference = new Map(rows.map((row) => [row.reference, row]));
  const written: (CreditTransfer & { readonly reference: string })[] = [];
  for (const reference of references) {
    const row = byReference.get(reference);
    const sender = row && (await readSender(trx, keyRing, row.subject));
    if (row === undefined || sender === null || sender === undefined)
      throw new Error(`Invariant broken: ${reference} has a sender`);
    written.push({
      ...transferTo(sender, { ...row, amount: BigInt(row.amount) }, requestedOn),
      reference,
    });
  }
  return written;
}

/** The bank's word about returns of a file. A rejected one takes its proposal back: people decide anew. */
export async function moveReturns(
  trx: Trx,
  batchId: string,
  move: {
    readonly state: 'accepted' | 'rejected';
    readonly reason: string | null;
    readonly endToEndId: string | null;
    /** Those that the bank has named one by one. */
    readonly except: readonly string[];
  },
): Promise<void> {
  const moved = await trx
    .updateTable('payments.suspenseReturn')
    .set({ state: move.state, reason: move.reason })
    .where('batchId', '=', batchId)
    .where('state', 'in', move.state === 'accepted' ? ['batched'] : ['batched', 'accepted'])
    .$if(move.endToEndId !== null, (query) => query.where('endToEndId', '=', move.endToEndId ?? ''))
    .$if(move.endToEndId === null && move.except.length > 0, (query) =>
      query.where('endToEndId', 'not in', [...move.except]),
    )
    .returning('subject')
    .execute();
  if (move.state !== 'rejected' || moved.length === 0) return;
  await trx
    .updateTable('payments.suspenseItem')
    .set({ proposedBy: null, proposedKind: null, proposedReference: null, proposedAt: null })
    .where(
      'subject',
      'in',
      moved.map(({ subject }) => subject),
    )
    .where('releasedAt', 'is', null)
    .execute();
}

/** The subject whose money this movement sent back; null where it is no return of ours. The caller releases it. */
export async function bookReturn(trx: Trx, line: BankLine): Promise<string | null> {
  if (line.endToEndId === null || line.amount >= 0n || line.asset !== 'EUR') return null;
  const row = await trx
    .selectFrom('payments.suspenseReturn')
    .selectAll()
    .where('endToEndId', '=', line.endToEndId)
    .where('amount', '=', (-line.amount).toString())
    .where('state', 'in', ['batched', 'accepted'])
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return null;
  await trx
    .updateTable('payments.suspenseReturn')
    .set({ state: 'booked', bookedAt: sql<Date>`now()` })
    .where('reference', '=', row.reference)
    .execute();
  return row.subject;
}
