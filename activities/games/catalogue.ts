/** Connects a studio and its games to a brand. */
import type { Database, Trx } from '#db/connect.ts';

export type Studio = {
  readonly id: string;
  readonly dialect: 'hub88' | 'caleta' | 'a8r-v2' | 'a8r-v1';
  readonly brand: string;
  readonly operatorId: string;
  readonly baseUrl: string;
  /** PEM: checks what the studio sends. Null in the a8r dialects, which share a secret. */
  readonly callerPublicKey: string | null;
  readonly callerSecret: string | null;
  readonly games: readonly {
    readonly code: string;
    readonly title: string;
    readonly category: string;
    readonly wageringContributionBps?: number;
  }[];
};

/** Adds the studio, or brings address and key up to the configuration; games that are there stay as they are. */
export async function connectStudio(db: Database | Trx, studio: Studio): Promise<void> {
  const { games, ...integration } = studio;
  await db
    .insertInto('games.integration')
    .values(integration)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        baseUrl: integration.baseUrl,
        callerPublicKey: integration.callerPublicKey,
        callerSecret: integration.callerSecret,
        operatorId: integration.operatorId,
      }),
    )
    .execute();
  await db
    .insertInto('games.game')
    .values(games.map((game) => ({ integration: studio.id, ...game })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
