/** Asks for a provider's catalogue to be read: the row first, its workflow follows after commit. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type RequestImport = {
  readonly importId: string;
  readonly integration: string;
  readonly mayWithdrawMost: boolean;
  readonly actor: Actor;
  readonly reason?: string;
};

/** The import that runs now, which may be one that was asked for before. `not-found` for an unknown integration. */
export async function requestImport(
  db: Database,
  { importId, integration, mayWithdrawMost, actor, reason }: RequestImport,
): Promise<Result<{ readonly importId: string }>> {
  return db.transaction().execute(async (trx) => {
    const owner = await trx
      .selectFrom('games.integration')
      .select('brand')
      .where('id', '=', integration)
      .forUpdate()
      .executeTakeFirst();
    if (!owner) return fail('not-found', 'There is no such integration.');
    const known = await trx
      .selectFrom('games.catalogueImport')
      .select('id')
      .where('integration', '=', integration)
      .where((eb) => eb.or([eb('id', '=', importId), eb('state', '=', 'requested')]))
      // The caller's own before somebody else's.
      .orderBy((eb) => eb('id', '=', importId), 'desc')
      .executeTakeFirst();
    if (known) return succeed({ importId: known.id });
    await trx
      .insertInto('games.catalogueImport')
      .values({
        id: importId,
        integration,
        brand: owner.brand,
        state: 'requested',
        requestedBy: `${actor.kind}:${actor.id}`,
        mayWithdrawMost,
      })
      .execute();
    await appendEvent(
      trx,
      {
        type: 'games.catalogue-import.requested',
        version: 1,
        brand: owner.brand,
        playerId: null,
        payload: { importId, integration },
      },
      { actor, subject: `catalogue-import:${importId}`, ...(reason === undefined ? {} : { reason }) },
    );
    return succeed({ importId });
  });
}

/** Asks for every catalogue whose time has come; the number of those. */
export async function requestDueImports(db: Database): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select i.id from games.integration i
    where i.enabled and i.import_every_h is not null and not exists (
      select from games.catalogue_import c
      where c.integration = i.id and (c.state = 'requested'
        or c.requested_at > now() - make_interval(hours => i.import_every_h))
    )
    order by i.id limit 50
  `.execute(db);
  for (const { id } of rows) {
    await requestImport(db, {
      importId: randomUUID(),
      integration: id,
      mayWithdrawMost: false,
      actor: { kind: 'system', id: 'catalogue-schedule' },
    });
  }
  return rows.length;
}
