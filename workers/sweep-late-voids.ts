/** Makes deposits ask again about holds that came late and are not proven to be voided yet. */
import type { Client } from '@temporalio/client';
import { takeDueVoids } from '#activities/payments/late-authorisation.ts';
import { tellPayment } from '#api/payments/tell-payment.ts';
import type { Database } from '#db/connect.ts';

/** Throws when Temporal or the database is away; what was not told is told at its next turn. */
export async function sweepLateVoids(client: Client, db: Database): Promise<number> {
  const due = await takeDueVoids(db);
  for (const { depositId, attempt } of due)
    await tellPayment(client, db, { kind: 'deposit', id: depositId, attempt, saysApproved: true });
  return due.length;
}
