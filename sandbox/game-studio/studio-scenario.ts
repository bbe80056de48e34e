/** The steering wheel: rounds and free rounds to order, tricks to play, rounds to look at and to release. */
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import type { StateStore } from '../support/state-store.ts';
import type { FreeRoundsBook } from './free-rounds-book.ts';
import { performTrick } from './hostile-tricks.ts';
import { playFreeRounds } from './play-free-rounds.ts';
import { createPlayReport } from './play-report.ts';
import { playRounds } from './play-rounds.ts';
import type { RoundBook } from './round-book.ts';
import { callerHabits, freeRoundsOrder, hostileOrder, playOrder } from './studio-orders.schema.ts';
import type { CallerHabits, WalletCalls } from './wallet-calls.ts';

interface ScenarioParts {
  store: StateStore;
  book: RoundBook;
  freeRounds: FreeRoundsBook;
  calls: WalletCalls;
  habits: { current: CallerHabits };
}

/** An order may name a launched session, as the page of the game does, in place of token, user, currency and game. */
function inSession(book: RoundBook, order: unknown): unknown {
  if (typeof order !== 'object' || order === null || !('session' in order)) return order;
  const { session: id, ...rest } = order;
  const session = book.findSession(String(id));
  if (session === undefined) return rest;
  return {
    ...rest,
    dialect: session.dialect,
    token: session.token ?? '',
    user: session.user,
    currency: session.currency,
    gameCode: session.gameCode,
  };
}

export function readHabits(store: StateStore): CallerHabits {
  const stored = store.one<{ value: string }>('select value from setting where name = ?', 'habits');
  return callerHabits.parse(stored === undefined ? {} : JSON.parse(stored.value));
}

export function serveStudioScenario(
  app: PartyApp,
  { store, book, freeRounds, calls, habits }: ScenarioParts,
): void {
  const refusal = (error: z.ZodError) => ({ error: z.prettifyError(error) });

  app.get('/_scenario', (c) => c.json(habits.current));
  app.put('/_scenario', async (c) => {
    const parsed = callerHabits.safeParse(await c.req.json());
    if (!parsed.success) return c.json(refusal(parsed.error), 400);
    habits.current = parsed.data;
    store.run('insert or replace into setting values (?, ?)', 'habits', JSON.stringify(parsed.data));
    return c.json(parsed.data);
  });

  app.post('/_scenario/play', async (c) => {
    const order = playOrder.safeParse(inSession(book, await c.req.json()));
    return order.success
      ? c.json(await playRounds(order.data, { book, calls }))
      : c.json(refusal(order.error), 400);
  });

  app.post('/_scenario/hostile', async (c) => {
    const order = hostileOrder.safeParse(inSession(book, await c.req.json()));
    return order.success
      ? c.json(await performTrick(order.data, { book, calls }))
      : c.json(refusal(order.error), 400);
  });

  app.post('/_scenario/free-rounds', async (c) => {
    const order = freeRoundsOrder.safeParse(await c.req.json());
    if (!order.success) return c.json(refusal(order.error), 400);
    const played = await playFreeRounds(order.data, { book, freeRounds, calls });
    return played === null ? c.json({ error: 'nothing of that id can be played' }, 404) : c.json(played);
  });

  app.get('/_scenario/free-rounds', (c) =>
    c.json(
      freeRounds
        .all(500)
        .map((issued) => ({ ...issued, betValue: String(issued.betValue), won: String(issued.won) })),
    ),
  );

  /** Sends what a round left open still owes, as a provider that wakes up late. */
  app.post('/_scenario/release', async (c) => {
    const { round: id } = z.object({ round: z.string() }).parse(await c.req.json());
    const round = book.findRound(id);
    if (round === undefined) return c.json({ error: 'no such round' }, 404);
    const report = createPlayReport();
    for (const transaction of book.transactionsOf(id)) {
      if (transaction.kind === 'win' && transaction.state === 'decided')
        await calls.win(round, transaction, report);
    }
    if (!calls.wireOf(round).closesInCall) await calls.finish(round, report);
    return c.json(report.toJson());
  });

  app.get('/_scenario/rounds', (c) => {
    const status = z
      .enum(['open', 'finished', 'void'])
      .optional()
      .catch(undefined)
      .parse(c.req.query('status'));
    return c.json(
      book.rounds(status, 500).map((round) => ({
        round: round.id,
        dialect: round.dialect,
        user: round.user,
        currency: round.currency,
        gameCode: round.gameCode,
        status: round.status,
        transactions: book.transactionsOf(round.id).map((transaction) => ({
          ...transaction,
          amount: String(transaction.amount),
          jackpot: String(transaction.jackpot),
        })),
      })),
    );
  });
}
