/** The load tool, a process of its own: signs its bets, waits for the word, sends them as fast as they are answered. */
import { setTimeout as delay } from 'node:timers/promises';
import { openBetConnection } from './bet-connection.ts';
import type { LoadPlayer } from './load-players.ts';
import { makeSignedBets, type BetOrder } from './signed-bets.ts';

export type LoadOrder = {
  readonly ports: readonly number[];
  readonly connections: number;
  readonly seconds: number;
  readonly betsMax: number;
  readonly privateKey: string;
  readonly players: readonly LoadPlayer[];
  readonly order: BetOrder;
  /** Rest of each connection between an answer and its next bet; none unless given. */
  readonly pauseMs?: number;
  /** The next message ends the run before its time. */
  readonly untilTold?: boolean;
};

export type LoadResult = {
  readonly bets: number;
  readonly refused: number;
  readonly refusal: string;
  readonly tookS: number;
  readonly tookMs: readonly number[];
};

const say = (message: LoadResult | 'ready'): void => void process.send?.(message);
const hear = (): Promise<unknown> => new Promise((resolve) => process.once('message', resolve));

process.on('SIGTERM', () => process.exit(0));
for (;;) {
  const order = await hear();
  if (order === 'end') process.exit(0);
  // Told to stop after the bets had run out.
  if (order === 'stop') continue;
  await carryOut(order as LoadOrder);
}

async function carryOut(order: LoadOrder): Promise<void> {
  const bets = await makeSignedBets(order.privateKey, '127.0.0.1', order.players, order.betsMax, order.order);
  const open = await Promise.all(
    Array.from({ length: order.connections }, (_, index) =>
      openBetConnection(order.ports[index % order.ports.length] ?? 0),
    ),
  );
  const told = hear();
  say('ready');
  await told;
  const tookMs: number[] = [];
  let refused = 0;
  let refusal = '';
  let next = 0;
  const startedAt = performance.now();
  let endsAt = startedAt + order.seconds * 1_000;
  if (order.untilTold === true)
    void hear().then(() => {
      endsAt = 0;
    });
  await Promise.all(
    open.map(async (connection) => {
      while (performance.now() < endsAt) {
        const bet = bets[next++];
        if (bet === undefined) return;
        const answer = await connection.send(bet);
        tookMs.push(answer.tookMs);
        if (order.pauseMs !== undefined) await delay(order.pauseMs);
        if (answer.isAccepted) continue;
        refused += 1;
        refusal = answer.text;
      }
    }),
  );
  const tookS = (performance.now() - startedAt) / 1_000;
  for (const connection of open) connection.close();
  say({ bets: tookMs.length - refused, refused, refusal, tookS, tookMs });
}
