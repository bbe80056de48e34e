/** Plays free rounds that an operator issued: one by one where the dialect shows each, as one sum where it does not. */
import type { FreeRoundsBook, IssuedFreeRounds } from './free-rounds-book.ts';
import { createPlayReport, type PlayReport } from './play-report.ts';
import type { Player, RoundBook } from './round-book.ts';
import { createOutcomeSource, type OutcomeSource } from './slot-outcomes.ts';
import type { FreeRoundsOrder } from './studio-orders.schema.ts';
import type { WalletCalls } from './wallet-calls.ts';

interface FreePlayParts {
  book: RoundBook;
  freeRounds: FreeRoundsBook;
  calls: WalletCalls;
}

/** Null when there is nothing of that id to be played, or nobody to play it. */
export async function playFreeRounds(order: FreeRoundsOrder, parts: FreePlayParts) {
  const { book, freeRounds, calls } = parts;
  const issued = freeRounds.find(order.dialect, order.id);
  if (issued === undefined || issued.status === 'cancelled') return null;
  const wire = calls.wireOf(order);
  const session =
    order.session === undefined
      ? book.latestSession(order.dialect, issued.user)
      : book.findSession(order.session);
  const token = order.token ?? session?.token ?? '';
  if (!wire.takesBatches && token === '') return null;
  const player: Player = {
    dialect: order.dialect,
    token,
    user: issued.user,
    currency: issued.currency,
    gameCode: issued.gameCode,
  };
  const report = createPlayReport();
  const outcomes = createOutcomeSource(order.seed);
  const before = await calls.balance(player, report);
  if (wire.freeRounds === undefined) await playEach(player, issued, outcomes, parts, report);
  else await tellSum(player, issued, outcomes, order.duplicate, parts, report);
  report.balance(before, await calls.balance(player, report));
  return { dialect: order.dialect, id: issued.id, ...report.toJson() };
}

/** A bet that takes nothing, and a win of real money, under the reward's id. */
async function playEach(
  player: Player,
  issued: IssuedFreeRounds,
  outcomes: OutcomeSource,
  { book, freeRounds, calls }: FreePlayParts,
  report: PlayReport,
): Promise<void> {
  const { ok } = calls.wireOf(player);
  let { won } = issued;
  for (let played = issued.played; played < issued.betCount; played += 1) {
    const round = book.openRound(player, { id: issued.id, campaign: issued.campaignId });
    const bet = book.decide(round, 'bet', issued.betValue, null, false);
    const taken = await calls.bet(round, bet, report);
    report.expect('a free bet', ok, taken ? ok : (bet.status ?? undefined));
    if (!taken) return;
    const amount = (issued.betValue * outcomes.multiplierHundredths()) / 100n;
    const win = book.decide(round, 'win', amount, bet.uuid, true);
    report.expect('the win of a free bet', ok, (await calls.win(round, win, report)).status);
    won += amount;
    book.setRoundStatus(round.id, 'finished');
    freeRounds.progress(issued, played + 1, won, played + 1 === issued.betCount ? 'finished' : 'claimed');
  }
}

/** Played here, told once; the same result told again changes nothing, and one of an unknown issue is refused. */
async function tellSum(
  player: Player,
  issued: IssuedFreeRounds,
  outcomes: OutcomeSource,
  twice: boolean,
  { freeRounds, calls }: FreePlayParts,
  report: PlayReport,
): Promise<void> {
  const wire = calls.wireOf(player);
  let total = issued.won;
  for (let played = issued.played; played < issued.betCount; played += 1)
    total += (issued.betValue * outcomes.multiplierHundredths()) / 100n;
  // Known here before anybody is told, so that a repeat tells the same.
  freeRounds.progress(issued, issued.betCount, total, 'claimed');
  const tell = async (issueId: string, note?: string) => {
    const request = wire.freeRounds?.({ issueId, total });
    return request === undefined ? undefined : calls.ask(player, request, report, note);
  };
  const told = await tell(issued.id);
  report.expect('the result of the free rounds', wire.ok, told?.status);
  if (told?.status !== wire.ok) return;
  if (issued.status !== 'finished') report.paid(issued.id, total);
  freeRounds.progress(issued, issued.betCount, total, 'finished');
  if (!twice) return;
  report.expect('the same result again', wire.ok, (await tell(issued.id, 'again'))?.status);
  report.expect('the result of an unknown issue', '400', (await tell(`${issued.id}-unknown`))?.status);
}
