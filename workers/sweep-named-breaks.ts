/** Makes payments that a settlement file names ask their PSP again, and closes the breaks of those that have settled. */
import type { Client } from '@temporalio/client';
import { settleNamedBreaks, takeDuePokes, type NamedCall } from '#activities/payments/named-lines.ts';
import { tellPayment } from '#api/payments/tell-payment.ts';
import type { Database } from '#db/connect.ts';
import { depositIdOf } from '#workflows/deposit.contract.ts';
import { modificationIdOf } from '#workflows/modification.contract.ts';
import { refundIdOf } from '#workflows/refund.contract.ts';
import { withdrawalIdOf } from '#workflows/withdrawal.contract.ts';

/** Throws when Temporal or the database is away; what was not told is told at its next turn. */
export async function sweepNamedBreaks(client: Client, db: Database): Promise<number> {
  await settleNamedBreaks(db);
  const due = await takeDuePokes(db);
  for (const call of due) await tellCall(client, db, call);
  return due.length;
}

/** The file says that money moved; the PSP's own status decides. */
function tellCall(client: Client, db: Database, { subject, attempt }: NamedCall) {
  const ids = {
    deposit: depositIdOf(subject),
    withdrawal: withdrawalIdOf(subject),
    refund: refundIdOf(subject),
    modification: modificationIdOf(subject),
  };
  for (const kind of ['deposit', 'withdrawal', 'refund', 'modification'] as const) {
    const id = ids[kind];
    if (id !== null) return tellPayment(client, db, { kind, id, attempt, saysApproved: true });
  }
  return Promise.resolve('gone' as const);
}
