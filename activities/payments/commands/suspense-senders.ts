/** Who sent money that stands in suspense, sealed with it, and how far its way back to him is: read by staff and by the file. */
import { openAlone } from '#activities/personal-data.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { ActivityDeps } from '../../deps.ts';

type KeyRing = ActivityDeps['keyRing'];
export type Sender = { readonly name: string; readonly iban: string };

/** What the seal is bound to. */
export const senderContext = (subject: string): string => `suspense-sender:${subject}`;

/** Null where the bank has told no account that money can be sent back to. */
export async function readSender(
  db: Database | Trx,
  keyRing: KeyRing,
  subject: string,
): Promise<Sender | null> {
  const row = await db
    .selectFrom('payments.suspenseSender')
    .selectAll()
    .where('subject', '=', subject)
    .executeTakeFirst();
  // Only keepSender seals under this name.
  return row === undefined
    ? null
    : (JSON.parse(openAlone(keyRing, row, senderContext(subject)).toString('utf8')) as Sender);
}

export const openReturnOf = (trx: Database | Trx, subject: string) =>
  trx
    .selectFrom('payments.suspenseReturn')
    .select(['state', 'endToEndId', 'decidedBy', 'queuedAt'])
    .where('subject', '=', subject)
    .where('state', 'in', ['queued', 'batched', 'accepted'])
    .executeTakeFirst();
