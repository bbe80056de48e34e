/** Writes what results make of bets whose rows the caller has locked: money, rows and facts, set by set. */
import { sql } from 'kysely';
import { appendFacts } from '#activities/compliance/append-event.ts';
import { postMany } from '#activities/wallet/post-many.ts';
import type { Trx } from '#db/connect.ts';
import type { NewEvent } from '#domain/events.schema.ts';
import { settle, type BetResult, type Settlement } from '#domain/games/book/settlement.ts';
import { toMoneyText } from '#domain/money.ts';
import { paidOf, settlementCommand, type BetRow } from './bet-terms.ts';

/** A locked bet that is open or settled, and what its legs make of it now: null while it hangs on an open one. */
export type JudgedBet = {
  readonly bet: BetRow & {
    readonly state: string;
    readonly followed: boolean;
    readonly reopened: number;
  };
  readonly result: BetResult | null;
  /** Of a single bet: the version of the result that it is judged by. */
  readonly resultVersion: number;
};

export type WrittenSettlements = {
  /** Bets that a settlement, a correction or a reopening changed. */
  readonly changed: number;
  /** Bets whose wallet moved meanwhile: nothing of them was written, they are to be judged again. */
  readonly again: number;
};

type Step = JudgedBet & { readonly settlement: Settlement | null };

export async function writeSettlements(trx: Trx, judged: readonly JudgedBet[]): Promise<WrittenSettlements> {
  const steps = judged.map(stepOf);
  const commands = steps.flatMap(({ bet, settlement }) =>
    settlement === null || settlement.code === null
      ? []
      : [{ bet, command: settlementCommand(bet, settlement, settlement.code) }],
  );
  const posted = await postMany(
    trx,
    commands.map(({ command }) => command),
  );
  const lost = new Set(
    commands.filter(({ command }) => !posted.has(command.key.externalId)).map(({ bet }) => bet.id),
  );
  const written = steps.filter(({ bet }) => !lost.has(bet.id));
  await updateSettled(trx, written);
  const reopened = written.filter(isReopening);
  await reopen(trx, reopened);
  const settled = written.filter(({ settlement }) => settlement !== null);
  await appendFacts(trx, [...settled.flatMap(settledFact), ...reopened.map(reopenedFact)]);
  return { changed: settled.length + reopened.length, again: lost.size };
}

/** A result that says what the bet was settled by already leaves no settlement. */
function stepOf(judged: JudgedBet): Step {
  const { bet, result } = judged;
  if (result === null) return { ...judged, settlement: null };
  const settlement = settle(paidOf(bet), result);
  const isKnown = bet.state === 'settled' && settlement.delta === 0n && bet.outcome === result.outcome;
  return { ...judged, settlement: isKnown ? null : settlement };
}

const isReopening = ({ bet, result }: Step): boolean => result === null && bet.state === 'settled';

async function updateSettled(trx: Trx, steps: readonly Step[]): Promise<void> {
  const rows = steps.filter(
    ({ result, settlement, resultVersion }) => result !== null && (settlement !== null || resultVersion > 0),
  );
  if (rows.length === 0) return;
  const version = ({ settlement, bet }: Step) => settlement?.version ?? bet.settlementVersion;
  const payout = ({ settlement, bet }: Step) => settlement?.payout.toString() ?? bet.payout;
  await sql`
    update games.bet b set state = 'settled', outcome = u.outcome, payout = u.payout, settlement_version = u.version,
      result_version = greatest(b.result_version, u.result_version),
      settled_at = case when u.version > b.settlement_version then now() else b.settled_at end,
      first_settled_at = coalesce(b.first_settled_at, now())
    from unnest(${rows.map(({ bet }) => bet.id)}::uuid[], ${rows.map(({ result }) => result?.outcome ?? null)}::text[],
      ${rows.map(payout)}::numeric[], ${rows.map(version)}::int[], ${rows.map(({ resultVersion }) => resultVersion)}::int[])
      as u(id, outcome, payout, version, result_version)
    where b.id = u.id
  `.execute(trx);
}

/** Only a bet that was lost by one leg can hang on others again, so no money moves. */
async function reopen(trx: Trx, steps: readonly Step[]): Promise<void> {
  if (steps.length === 0) return;
  await trx
    .updateTable('games.bet')
    .set((eb) => ({
      state: 'open',
      outcome: null,
      settledAt: null,
      firstSettledAt: null,
      settlementVersion: eb('settlementVersion', '+', 1),
      reopened: eb('reopened', '+', 1),
    }))
    .where(
      'id',
      'in',
      steps.map(({ bet }) => bet.id),
    )
    .execute();
}

function settledFact({ bet, settlement }: Step): NewEvent[] {
  if (settlement === null) return [];
  return [
    {
      type: 'games.bet.settled',
      version: 1,
      brand: bet.brand,
      playerId: bet.playerId,
      payload: {
        betId: bet.id,
        version: settlement.version,
        outcome: settlement.outcome,
        payout: toMoneyText(settlement.payout, bet.asset),
        delta: toMoneyText(settlement.delta, bet.asset),
        followed: bet.followed,
        reopened: bet.reopened,
      },
    },
  ];
}

const reopenedFact = ({ bet }: Step): NewEvent => ({
  type: 'games.bet.reopened',
  version: 1,
  brand: bet.brand,
  playerId: bet.playerId,
  payload: { betId: bet.id, reopened: bet.reopened + 1, asset: bet.asset },
});
