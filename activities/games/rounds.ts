/** What the `round` workflow does: ask the provider, then settle, void or hand the round to a person. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { postCommand } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { fromHub88Amount } from '#domain/games/hub88.ts';
import type { ProviderTransaction, RoundOutcome } from './providers.ts';

export type RoundKey = { readonly integration: string; readonly roundRef: string; readonly playerId: string };

export type RoundState = 'open' | 'settled' | 'void' | 'manual';

/** Wins of a settlement answer to nobody's guard any more. */
const noGuardMs = 0;

export function createRoundActivities(deps: Pick<ActivityDeps, 'db' | 'gameProviders'>) {
  const { db } = deps;
  return {
    /** State of the round in the database, which is the truth. */
    async readRound(round: RoundKey): Promise<{ state: RoundState }> {
      const row = await selectRound(db, round).executeTakeFirst();
      if (!row) throw new FailureError(fail('not-found', 'There is no such round.').failure);
      return { state: row.state as RoundState };
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
     * arrives late meets the same journal and moves nothing.
     */
    async settleRound(input: {
      round: RoundKey;
      transactions: readonly ProviderTransaction[];
    }): Promise<{ applied: number }> {
      return db.transaction().execute(async (trx) => {
        const row = await selectRound(trx, input.round).forUpdate('w').executeTakeFirstOrThrow();
        if (row.state !== 'open' && row.state !== 'manual') return { applied: 0 };
        let applied = 0;
        for (const transaction of input.transactions) {
          if (transaction.kind === 'bet') continue;
          const posted = orThrow(await postCommand(trx, commandOf(input.round, row, transaction)));
          if (!posted.repeated) applied += 1;
        }
        await resolveRound(trx, input.round, row.brand, 'settled');
        return { applied };
      });
    },

    /** Gives back every stake of the round that still stands. */
    async voidRound(round: RoundKey): Promise<{ returned: number }> {
      return db.transaction().execute(async (trx) => {
        const row = await selectRound(trx, round).forUpdate('w').executeTakeFirstOrThrow();
        if (row.state !== 'open' && row.state !== 'manual') return { returned: 0 };
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
          const undo = {
            externalId: `void:${bet.externalId}`,
            referenceExternalId: bet.externalId,
            kind: 'rollback',
            wireAmount: '0',
          } as const;
          orThrow(await postCommand(trx, commandOf(round, row, undo)));
        }
        await resolveRound(trx, round, row.brand, 'void');
        return { returned: bets.length };
      });
    },

    /** Nobody knows: a person has to look. The round keeps its stake until then. */
    async handRoundToPerson(round: RoundKey): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await selectRound(trx, round).forUpdate('w').executeTakeFirstOrThrow();
        if (row.state === 'open') await resolveRound(trx, round, row.brand, 'manual');
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
    .select(['r.state', 'r.asset', 'r.gameCode', 'w.brand'])
    .where('r.integration', '=', round.integration)
    .where('r.roundRef', '=', round.roundRef)
    .where('r.playerId', '=', round.playerId);

type RoundRow = { readonly asset: string; readonly gameCode: string };

function commandOf(round: RoundKey, row: RoundRow, transaction: ProviderTransaction) {
  const ledgerScale = assets.get(row.asset)?.ledgerScale ?? 12;
  const amount =
    transaction.kind === 'rollback' ? 0n : fromHub88Amount(BigInt(transaction.wireAmount), ledgerScale);
  const reference = transaction.referenceExternalId;
  const meaning = {
    playerId: round.playerId,
    game: row.gameCode,
    round: round.roundRef,
    asset: row.asset,
    amount,
    reference,
  };
  const facts = {
    key: { integration: round.integration, externalId: transaction.externalId },
    playerId: round.playerId,
    asset: row.asset,
    game: row.gameCode,
    round: round.roundRef,
    roundClosed: false,
    guardMs: noGuardMs,
  };
  if (transaction.kind === 'win') {
    return {
      ...facts,
      kind: 'win',
      amount,
      betExternalId: reference,
      fingerprint: gameFingerprint({ ...meaning, kind: 'win' }),
    } as const;
  }
  if (reference === null)
    throw new FailureError(fail('invalid-request', 'A rollback names no original.').failure);
  return {
    ...facts,
    kind: 'rollback',
    originalExternalId: reference,
    fingerprint: gameFingerprint({ ...meaning, kind: 'rollback' }),
  } as const;
}

async function resolveRound(
  trx: Trx,
  round: RoundKey,
  brand: string,
  outcome: 'settled' | 'void' | 'manual',
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
      actor: { kind: 'workflow', id: `round:${round.integration}:${round.roundRef}` },
      subject: `round:${round.integration}:${round.roundRef}`,
    },
  );
}
