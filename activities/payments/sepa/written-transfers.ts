/**
 * Queued payouts as a file can carry them. What cannot be written (the player's key is destroyed, a name without a letter)
 * is told apart, so that it waits for a person and the others go.
 */
import type { Database, Trx } from '#db/connect.ts';
import { problemOfTransfer, type CreditTransfer } from '#domain/payments/sepa/pain-001.ts';
import type { ActivityDeps } from '../../deps.ts';
import { unsealBankAccount, type BankAccount } from '../commands/bank-accounts.ts';
import { openWorkItem } from '../commands/work-items.ts';
import { lockWithdrawal } from '../payment-rows.ts';

export type Unwritable = {
  readonly reference: string;
  readonly withdrawalId: string;
  readonly reason: string;
};

export type WrittenTransfers = {
  readonly transfers: readonly (CreditTransfer & { readonly reference: string })[];
  readonly unwritable: readonly Unwritable[];
};

/**
 * In the order of `references`. Throws where no sealed account of them opens at all: then the key ring is wrong, and not
 * the rows.
 */
export async function writeTransfers(
  trx: Database | Trx,
  keyRing: ActivityDeps['keyRing'],
  references: readonly string[],
  requestedOn: string,
): Promise<WrittenTransfers> {
  if (references.length === 0) return { transfers: [], unwritable: [] };
  const rows = await trx
    .selectFrom('payments.bankTransfer as t')
    .innerJoin('payments.withdrawal as w', 'w.id', 't.withdrawalId')
    .innerJoin('payments.payoutAttempt as p', 'p.reference', 't.reference')
    .innerJoin('payments.withdrawalLeg as l', (join) =>
      join.onRef('l.withdrawalId', '=', 'p.withdrawalId').onRef('l.leg', '=', 'p.leg'),
    )
    .leftJoin('payments.bankAccount as a', 'a.instrumentId', 'l.instrumentId')
    .leftJoin('pam.playerKey as k', (join) =>
      join.onRef('k.playerId', '=', 'w.playerId').on('k.purpose', '=', 'aml'),
    )
    .select([
      't.reference',
      't.withdrawalId',
      't.endToEndId',
      't.amount',
      'w.playerId',
      'a.sealed',
      'k.keyId',
      'k.wrapped',
    ])
    .where('t.reference', 'in', references)
    .execute();
  const byReference = new Map(rows.map((row) => [row.reference, row]));
  const transfers: WrittenTransfers['transfers'][number][] = [];
  const unwritable: Unwritable[] = [];
  const failures: unknown[] = [];
  for (const reference of references) {
    const row = byReference.get(reference);
    if (row === undefined) throw new Error(`Invariant broken: transfer ${reference} is of a withdrawal`);
    const { playerId, withdrawalId, sealed, keyId, wrapped, endToEndId } = row;
    const putAside = (reason: string): void => void unwritable.push({ reference, withdrawalId, reason });
    if (sealed === null) {
      putAside('its instrument is no account');
      continue;
    }
    if (wrapped === null || keyId === null) {
      putAside("the player's key is destroyed: nobody can read the account any more");
      continue;
    }
    let creditor: BankAccount;
    try {
      creditor = unsealBankAccount(keyRing, { playerId, sealed, keyId, wrapped });
    } catch (error) {
      failures.push(error);
      putAside('the sealed account cannot be opened');
      continue;
    }
    const transfer = {
      reference,
      endToEndId,
      amount: BigInt(row.amount),
      creditor,
      remittance: `Withdrawal ${endToEndId}`,
      requestedOn,
    };
    const problem = problemOfTransfer(transfer);
    if (problem === null) transfers.push(transfer);
    else putAside(problem);
  }
  if (failures.length > 0 && transfers.length === 0) throw failures[0];
  return { transfers, unwritable };
}

/** Takes it out of the queue and hands its withdrawal to a person, with its hold: only a person may end the payout. */
export async function setAside(trx: Trx, { reference, withdrawalId, reason }: Unwritable): Promise<void> {
  await trx
    .updateTable('payments.bankTransfer')
    .set({ state: 'set-aside', reason })
    .where('reference', '=', reference)
    .execute();
  const withdrawal = await lockWithdrawal(trx, withdrawalId);
  if (withdrawal.state === 'submitted')
    await trx
      .updateTable('payments.withdrawal')
      .set({ state: 'parked', reason: 'unwritable-payout' })
      .where('id', '=', withdrawalId)
      .execute();
  await openWorkItem(trx, {
    kind: 'unwritable-payout',
    subject: `withdrawal:${withdrawalId}`,
    brand: withdrawal.brand,
    reason,
  });
}

/** A person gives up what was put aside: its payouts count as declined, and the money goes another way or back. */
export async function giveUpSetAside(trx: Trx, subject: string, reason: string): Promise<void> {
  await trx
    .updateTable('payments.bankTransfer')
    .set({ state: 'rejected', reason: `given up: ${reason}`.slice(0, 200) })
    .where('withdrawalId', '=', subject.replace(/^withdrawal:/, ''))
    .where('state', '=', 'set-aside')
    .execute();
}
