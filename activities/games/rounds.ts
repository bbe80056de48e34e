/** What the `round` workflow does: ask the provider, then settle, void or hand the round to a person. */
import type { ActivityDeps } from '#activities/deps.ts';
import { givingBackOf } from '#activities/wallet/journal-facts.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow, type FailureCode } from '#domain/failures.ts';
import type { ProviderTransaction, RoundOutcome } from './providers.ts';
import {
  endRound,
  lockRound,
  openingOf,
  roundSubject,
  selectRound,
  standingStakes,
  type RoundKey,
  type RoundRow,
  type RoundState,
} from './round-rows.ts';
import { isAsSeen, lockRoundVoid, markCarriedOut, markStale } from './round-voids.ts';
import { postTold, postUndo } from './told-transactions.ts';

/** A round as its workflow knows it: `opening` is missing in runs that are older than openings, and means the first. */
type AskedRound = RoundKey & { readonly opening?: number };

/** `seen` is the version of the row that the provider was asked about: what came since is not in its answer. */
type Asked = { readonly seen?: number };

/** A provider's word says what it was asked about; people's word is a proposal that two of them agreed on. */
type VoidWord = Asked & { readonly proposalId?: string | null };

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
        await endRound(trx, input.round, row.brand, 'settled');
        return { applied, settled: true };
      });
      return booked ?? { applied: 0, settled: false };
    },

    /**
     * Gives back every stake of the round that still stands, on the word of its provider or of two people. `over` is false
     * where the round has moved since the provider was asked, as above; `refused` where a person's word is no approved
     * proposal about this round as it is.
     */
    async voidRound(
      round: AskedRound & VoidWord,
    ): Promise<{ returned: number; over: boolean; refused?: boolean }> {
      return db.transaction().execute(async (trx) => {
        const row = await lockRound(trx, round);
        if (round.seen === undefined) return voidOnApproval(trx, row, round);
        if (row.state !== 'open' && row.state !== 'manual') return { returned: 0, over: true };
        if (hasMoved(row, round) || isReopened(row, round)) return { returned: 0, over: false };
        const returned = await giveBack(trx, row, round);
        await endRound(trx, round, row.brand, 'void');
        return { returned, over: true };
      });
    },

    /** Nobody knows: a person has to look. The round keeps its stake until then. */
    async handRoundToPerson(round: AskedRound): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await lockRound(trx, round);
        if (row.state === 'open' && !isReopened(row, round)) await endRound(trx, round, row.brand, 'manual');
      });
    },
  };
}

/** Once for a proposal: a repeat finds it carried out, also where another stake has opened the round again. */
async function voidOnApproval(trx: Trx, row: RoundRow, round: RoundKey & VoidWord) {
  const refused = { returned: 0, over: false, refused: true };
  const proposal = round.proposalId ? await lockRoundVoid(trx, round.proposalId) : undefined;
  if (proposal === undefined || !isAbout(proposal, round)) return refused;
  if (proposal.state === 'carried-out') return { returned: 0, over: true };
  if (proposal.state !== 'approved' || proposal.decidedBy === null) return refused;
  if (!(await isAsSeen(trx, row, proposal))) {
    await markStale(trx, proposal, { kind: 'workflow', id: roundSubject(round) });
    return refused;
  }
  const returned = await giveBack(trx, row, round);
  const { id: proposalId, decidedBy: operatorId, reason } = proposal;
  await endRound(trx, round, row.brand, 'void', { proposalId, operatorId, reason });
  await markCarriedOut(trx, proposal);
  return { returned, over: true };
}

const isAbout = (proposal: RoundKey, round: RoundKey): boolean =>
  proposal.integration === round.integration &&
  proposal.roundRef === round.roundRef &&
  proposal.playerId === round.playerId;

async function giveBack(trx: Trx, row: RoundRow, round: RoundKey): Promise<number> {
  const stakes = await standingStakes(trx, round);
  for (const { externalId } of stakes)
    orThrow(await postUndo(trx, { ...round, ...row }, givingBackOf(externalId), externalId));
  return stakes.length;
}

type RoundCount = Pick<RoundRow, 'openings' | 'version'>;

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

const isReopened = (row: RoundCount, { opening = 1 }: AskedRound): boolean => openingOf(row) > opening;

const hasMoved = ({ version }: RoundCount, { seen }: Asked): boolean =>
  seen !== undefined && seen !== version;
