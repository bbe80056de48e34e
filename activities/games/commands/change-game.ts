/** What an operator decides about a game; imports leave these columns alone. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type GameChanges = {
  readonly enabled?: boolean | undefined;
  readonly wageringContributionBps?: number | undefined;
  readonly guardMs?: number | undefined;
};

/** `not-found` for an unknown game. Changing nothing is no deed. */
export async function changeGame(
  db: Database,
  order: {
    readonly integration: string;
    readonly game: string;
    readonly changes: GameChanges;
    readonly operatorId: string;
    readonly reason: string;
  },
): Promise<Result<void>> {
  const { integration, game, changes } = order;
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('games.game as g')
      .innerJoin('games.integration as i', 'i.id', 'g.integration')
      .select(['g.enabled', 'g.wageringContributionBps', 'g.guardMs', 'i.brand'])
      .where('g.integration', '=', integration)
      .where('g.code', '=', game)
      .forUpdate('g')
      .executeTakeFirst();
    if (!row) return fail('not-found', 'There is no such game.');
    const after = {
      enabled: changes.enabled ?? row.enabled,
      wageringContributionBps: changes.wageringContributionBps ?? row.wageringContributionBps,
      guardMs: changes.guardMs ?? row.guardMs,
    };
    const fields = (['enabled', 'wageringContributionBps', 'guardMs'] as const).filter(
      (name) => after[name] !== row[name],
    );
    if (fields.length === 0) return succeed(undefined);
    await trx
      .updateTable('games.game')
      .set(after)
      .where('integration', '=', integration)
      .where('code', '=', game)
      .execute();
    await appendEvent(
      trx,
      {
        type: 'games.game.changed',
        version: 1,
        brand: row.brand,
        playerId: null,
        payload: { integration, game, fields },
      },
      {
        actor: { kind: 'operator', id: order.operatorId },
        subject: `game:${integration}:${game}`,
        reason: order.reason,
      },
    );
    return succeed(undefined);
  });
}
