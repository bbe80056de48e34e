/** What the `round` workflow does: ask the provider, then settle, void or hand the round to a person. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { givingBackOf } from '#activities/wallet/journal-facts.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow, type FailureCode } from '#domain/failures.ts';
import type { ProviderTransaction, RoundOutcome } from './providers.ts';
import { postTold, postUndo } from './told-transactions.ts';

export type RoundKey = { readonly integration: string; readonly roundRef: string; readonly playerId: string };

/** A round as its workflow knows it: `opening` is missing in runs that are older than openings, and means the first. */
type AskedRound = RoundKey & { readonly opening?: number };

/** `seen` is the version of the row that the provider was asked about: what came since is not in its answer. */
type Asked = { readonly seen?: number };

/** Who decided what no provider could tell, and why. */
type Decided = { readonly by?: { readonly operatorId: string; readonly reason?: string } };

export type RoundState = 'open' | 'settled' | 'void' | 'manual';

export function createRoundActivities(deps: Pick<ActivityDeps, 'db' | 'gameProviders'>) {
  const { db } = deps;
  return {
    /** State of the round in the database, which is the truth. */
    async readRound(round: RoundKey): Promise<{ state: RoundState; opening: number; version: number }> {
      const row = await selectRound(db, round).executeTakeFirst();
      if (!row) throw new FailureError(fail('not-found', 'There is no such round.').failure);
      return { state: row.state as RoundState, opening: openingOf(row), version: row.version };
    },

    /** Asks the provider. A provider that never heard of the round took no bet of it: the round is void. */
    async askProvider(round: RoundKey): Promise<RoundOutcome> {
      const provider = await deps.gameProviders.get(round.integration);
      if (!provider?.roundOutcome)
        throw new FailureError(
          fail('provider-lacks-feature', `Nobody can be asked about rounds of ${round.integration}.`).failure,
        );
      const outcome = await provider.roundOutcome(round);
      if (!outcome.ok && outcome.failure.code === 'transaction-not-found') return { state: 'void' };
      return orThrow(outcome);
    },

    /**
     * Applies what the provider says happened, under the provider's own transaction ids: a call of theirs that
     * arrives late meets the same journal and moves nothing. `settled` is false where the round has moved since the
     * provider was asked: a stake that came meanwhile must not be settled by an answer that does not know it; and where the answer cannot be booked.
     */
    async settleRound(
      input: { round: RoundKey; transactions: readonly ProviderTransaction[] } & Asked,
    ): Promise<{ applied: number; settled: boolean }> {
      const booked = await unlessRefused(db, async (trx) => {
        const row = await lockRound(trx, input.round);
        if (row.state !== 'open' && row.state !== 'manual') return { applied: 0, settled: true };
        if (hasMoved(row, input)) return { applied: 0, settled: false };
        let applied = 0;
        for (const transaction of input.transactions) {
          const posted = orThrow(await postTold(trx, { ...input.round, ...row }, transaction));
          if (posted && !posted.repeated) applied += 1;
        }
        await resolveRound(trx, input.round, row.brand, 'settled');
        return { applied, settled: true };
      });
      return booked ?? { applied: 0, settled: false };
    },

    /** Gives back every stake of the round that still stands; `over` is false where the round has moved, as above. */
    async voidRound(round: AskedRound & Asked & Decided): Promise<{ returned: number; over: boolean }> {
      return db.transaction().execute(async (trx) => {
        const row = await lockRound(trx, round);
        if (row.state !== 'open' && row.state !== 'manual') return { returned: 0, over: true };
        if (hasMoved(row, round) || isReopened(row, round)) return { returned: 0, over: false };
        const bets = await trx
          .selectFrom('wallet.journal as j')
          .select('j.externalId')
          .where('j.integration', '=', round.integration)
          .where('j.roundRef', '=', round.roundRef)
          .where('j.playerId', '=', round.playerId)
          .where('j.code', '=', 'bet.place')
          .where((eb) =>
            eb.not(
              eb.exists(
                eb.selectFrom('wallet.journal as r').select('r.id').whereRef('r.reverses', '=', 'j.id'),
              ),
            ),
          )
          .orderBy('j.id')
          .execute();
        for (const bet of bets) {
          const { externalId } = bet;
          orThrow(await postUndo(trx, { ...round, ...row }, givingBackOf(externalId), externalId));
        }
        await resolveRound(trx, round, row.brand, 'void', round.by);
        return { returned: bets.length, over: true };
      });
    },

    /** Nobody knows: a person has to look. The round keeps its stake until then. */
    async handRoundToPerson(round: AskedRound): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await lockRound(trx, round);
        if (row.state === 'open' && !isReopened(row, round))
          await resolveRound(trx, round, row.brand, 'manual');
      });
    },
  };
}

const selectRound = (db: ActivityDeps['db'] | Trx, round: RoundKey) =>
  db
    .selectFrom('games.round as r')
    .innerJoin('wallet.playerWallet as w', (join) =>
      join.onRef('w.playerId', '=', 'r.playerId').onRef('w.asset', '=', 'r.asset'),
    )
    .select(['r.state', 'r.asset', 'r.gameCode', 'r.openings', 'r.version', 'w.brand'])
    .where('r.integration', '=', round.integration)
    .where('r.roundRef', '=', round.roundRef)
    .where('r.playerId', '=', round.playerId);

/**
 * Wallet first and round second, in the order of the batch statement. The round is read again by a statement of its own:
 * one that has waited for the wallet would still see the round as it was before.
 */
async function lockRound(trx: Trx, round: RoundKey) {
  await selectRound(trx, round).forUpdate('w').executeTakeFirstOrThrow();
  return selectRound(trx, round).forUpdate('r').executeTakeFirstOrThrow();
}

type RoundCount = { readonly openings: number; readonly version: number };

/** What an answer can be refused for: the provider is asked again, and in the end a person. */
const refusedAnswers: ReadonlySet<FailureCode> = new Set([
  'transaction-not-found',
  'transaction-rolled-back',
  'duplicate-transaction',
  'invalid-request',
]);

/** One transaction, or null where the ledger refuses a part of it: then nothing of it has happened. */
async function unlessRefused<T>(db: ActivityDeps['db'], work: (trx: Trx) => Promise<T>): Promise<T | null> {
  try {
    return await db.transaction().execute(work);
  } catch (error) {
    if (error instanceof FailureError && refusedAnswers.has(error.failure.code)) return null;
    throw error;
  }
}

/** A round that no stake has left open counts as opened once: it, too, can have a workflow. */
const openingOf = ({ openings }: Pick<RoundCount, 'openings'>): number => Math.max(openings, 1);

const isReopened = (row: RoundCount, { opening = 1 }: AskedRound): boolean => openingOf(row) > opening;

const hasMoved = ({ version }: RoundCount, { seen }: Asked): boolean =>
  seen !== undefined && seen !== version;

async function resolveRound(
  trx: Trx,
  round: RoundKey,
  brand: string,
  outcome: 'settled' | 'void' | 'manual',
  by?: Decided['by'],
): Promise<void> {
  await trx
    .updateTable('games.round')
    .set((eb) => ({
      state: outcome,
      closedAt: outcome === 'manual' ? null : eb.fn<Date>('now', []),
      version: eb('version', '+', 1),
    }))
    .where('integration', '=', round.integration)
    .where('roundRef', '=', round.roundRef)
    .where('playerId', '=', round.playerId)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'games.round.resolved',
      version: 1,
      brand,
      playerId: round.playerId,
      payload: { integration: round.integration, round: round.roundRef, playerId: round.playerId, outcome },
    },
    {
      actor: by
        ? { kind: 'operator', id: by.operatorId }
        : { kind: 'workflow', id: `round:${round.integration}:${round.roundRef}` },
      subject: `round:${round.integration}:${round.roundRef}`,
      ...(by?.reason === undefined ? {} : { reason: by.reason }),
    },
  );
}
