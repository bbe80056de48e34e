/** An operator's word on a result that nobody could carry out: applied after all, or dismissed. */
import { sql } from 'kysely';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import { takeKey, type ActKey } from '#activities/compliance/commands/keyed-acts.ts';
import type { Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { feedMessageSchema } from '#domain/games/book/feed.schema.ts';
import { applyResult } from '../book/results.ts';

export type ParkedResolution = {
  readonly parkedId: string;
  readonly operatorId: string;
  readonly resolution: 'apply' | 'dismiss';
  readonly reason: string;
  readonly key: ActKey;
};

/**
 * Applying judges the message again on what is known now; only against a later result does the operator's word stand
 * in for the order of the feed. A repeat with the key changes nothing. A refusal must undo the transaction. Failures:
 * `idempotency-key-reused`, `not-found`, `already-decided`, `result-not-applicable`.
 */
export async function resolveParkedResult(trx: Trx, input: ParkedResolution): Promise<Result<null>> {
  const { parkedId, operatorId, resolution, reason } = input;
  const actor: Actor = { kind: 'operator', id: operatorId };
  const taken = await takeKey(trx, input.key);
  if (!taken.ok) return taken;
  if (taken.value.isRepeat) return succeed(null);
  const parked = await trx
    .selectFrom('games.parkedResult')
    .selectAll()
    .where('id', '=', parkedId)
    .forUpdate()
    .executeTakeFirst();
  if (!parked) return fail('not-found', 'There is no such result.');
  if (parked.closedAt) return fail('already-decided', 'Somebody has decided about this result.');
  const ended = resolution === 'apply' ? 'applied' : 'dismissed';
  // Closed first: the same message may be parked again only while no such item is open.
  await trx
    .updateTable('games.parkedResult')
    .set({ closedAt: sql<Date>`now()`, closedBy: operatorId, resolution: ended })
    .where('id', '=', parkedId)
    .execute();
  if (resolution === 'apply') {
    const message = feedMessageSchema.parse(parked.message);
    const outcome =
      message.type === 'market.resulted' || message.type === 'market.abandoned'
        ? await applyResult(trx, message, actor, { inspected: true })
        : 'parked';
    if (outcome === 'parked')
      return fail('result-not-applicable', 'The result still does not fit its market.');
  }
  await appendEvent(
    trx,
    {
      type: 'games.result.released',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { parkedId, resolution: ended },
    },
    { actor, subject: `market:${parked.eventId}:${parked.marketId}`, reason },
  );
  return succeed(null);
}
