/** The inbox of outside senders: a durable row before the answer, unique so that a replay changes nothing. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';

export type IncomingWebhook = {
  readonly source: string;
  /** The sender's own name for the delivery's content; unique per source for ever. */
  readonly externalId: string;
  /** The body as it came. */
  readonly body: string;
  /** Workflow id to poke, null while unknown. */
  readonly subject: string | null;
};

/** Stores a webhook; `fresh` is false when it was stored before. */
export async function receiveWebhook(
  db: Database | Trx,
  webhook: IncomingWebhook,
): Promise<{ fresh: boolean }> {
  const inserted = await db
    .insertInto('compliance.webhookInbox')
    .values(webhook)
    .onConflict((conflict) => conflict.columns(['source', 'externalId']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return { fresh: inserted !== undefined };
}

/** Notes that the workflow was told (or that there is nobody to tell), so that the sweep leaves the row alone. */
export async function markProcessed(
  db: Database | Trx,
  webhook: Pick<IncomingWebhook, 'source' | 'externalId'>,
): Promise<void> {
  await db
    .updateTable('compliance.webhookInbox')
    .set({ processedAt: sql<Date>`now()` })
    .where('source', '=', webhook.source)
    .where('externalId', '=', webhook.externalId)
    .where('processedAt', 'is', null)
    .execute();
}

/** 'gone': the workflow has ended and needs no poke. */
export type PokeOutcome = 'told' | 'gone';

/**
 * Delivers the pokes that could not be delivered when their webhook came, oldest first; `poke` signals the workflow
 * named by `subject`. A poke that throws leaves its row for the next sweep. Returns how many rows were closed.
 */
export async function pokeOpenWebhooks(
  db: Database,
  source: string,
  poke: (subject: string) => Promise<PokeOutcome>,
  rowsMax = 100,
): Promise<number> {
  const open = await db
    .selectFrom('compliance.webhookInbox')
    .select(['source', 'externalId', 'subject'])
    .where('source', '=', source)
    .where('processedAt', 'is', null)
    .where('subject', 'is not', null)
    // The request that stored a younger row is still about to poke by itself.
    .where('receivedAt', '<', sql<Date>`now() - interval '2 seconds'`)
    .orderBy('receivedAt')
    .limit(rowsMax)
    .execute();
  let closed = 0;
  for (const row of open) {
    if (row.subject === null) continue;
    try {
      await poke(row.subject);
    } catch {
      continue;
    }
    await markProcessed(db, row);
    closed += 1;
  }
  return closed;
}

export type OpenWebhook = { readonly externalId: string; readonly body: string; readonly ageHours: number };

/**
 * Stored webhooks that nobody has carried out yet: those that were never tried first, oldest first, then the longest
 * untried, so that no number of them keeps another from its turn. Younger ones than two seconds are being carried out.
 */
export async function readOpenWebhooks(
  db: Database,
  source: string,
  rowsMax: number,
): Promise<readonly OpenWebhook[]> {
  return db
    .selectFrom('compliance.webhookInbox')
    .select([
      'externalId',
      'body',
      sql<number>`extract(epoch from now() - received_at)::float8 / 3600`.as('ageHours'),
    ])
    .where('source', '=', source)
    .where('processedAt', 'is', null)
    .where('receivedAt', '<', sql<Date>`now() - interval '2 seconds'`)
    .orderBy('triedAt', (order) => order.asc().nullsFirst())
    .orderBy('receivedAt')
    .orderBy('id')
    .limit(rowsMax)
    .execute();
}

/** Notes that a webhook was tried and is still open: its next turn comes after all others. */
export async function markTried(
  db: Database | Trx,
  webhook: Pick<IncomingWebhook, 'source' | 'externalId'>,
): Promise<void> {
  await db
    .updateTable('compliance.webhookInbox')
    .set({ triedAt: sql<Date>`clock_timestamp()` })
    .where('source', '=', webhook.source)
    .where('externalId', '=', webhook.externalId)
    .where('processedAt', 'is', null)
    .execute();
}
