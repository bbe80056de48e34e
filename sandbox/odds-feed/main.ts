/** An odds feed as a process of its own: publishes events, prices and results by signed webhook, rightly or wrongly as it is ordered. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { portVariable, requiredVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty, type PartyContext } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { createWebhookQueue } from '../support/webhook-queue.ts';
import { createFeedBook, feedTables, type Message } from './feed-book.ts';
import {
  duplicateOrder,
  eventStateOrder,
  feedScenario,
  fixtureOrder,
  lateOrder,
  oddsOrder,
  outcomesOrder,
  stateOrder,
} from './feed-orders.schema.ts';
import { signedHeaders } from './feed-signature.ts';

const log = createLog('odds-feed');
const store = openStateStore(requiredVariable('STATE_DIR'), 'odds-feed.sqlite', feedTables);
const secret = requiredVariable('WEBHOOK_SECRET');
const book = createFeedBook(store);

const stored = store.one<{ value: string }>('select value from setting where name = ?', 'scenario');
let scenario = feedScenario.parse(stored === undefined ? {} : JSON.parse(stored.value));

const webhooks = createWebhookQueue({
  store,
  log,
  url: requiredVariable('WEBHOOK_URL'),
  faults: () => scenario.webhook,
  sign: (body, messageId) => signedHeaders(body, messageId, secret),
});
const send = (...messages: readonly Message[]): void => {
  for (const { id, body } of messages) webhooks.enqueue(id, body);
};

/** Fixtures of a fresh feed, so that a new platform has something to bet on. */
const opening = [
  { name: 'Harbour – Orchard', startsInMs: 3 * 3_600_000 },
  { name: 'Aurora United – Borealis City', startsInMs: 26 * 3_600_000 },
  {
    name: 'Lind – Castellan',
    sport: 'tennis',
    startsInMs: 30 * 3_600_000,
    odds: { lind: '1.62', castellan: '2.35' },
  },
];

const app = createPartyApp(log);

/** Parses an order or answers 400. */
async function readOrder<T extends z.ZodType>(c: PartyContext, schema: T): Promise<z.infer<T> | Response> {
  const parsed = schema.safeParse(await c.req.json().catch(() => ({})));
  return parsed.success ? parsed.data : c.json({ error: z.prettifyError(parsed.error) }, 400);
}

app.get('/_scenario', (c) => c.json(scenario));
app.put('/_scenario', async (c) => {
  const order = await readOrder(c, feedScenario);
  if (order instanceof Response) return order;
  scenario = order;
  store.run('insert or replace into setting values (?, ?)', 'scenario', JSON.stringify(scenario));
  return c.json(scenario);
});
app.get('/_scenario/webhooks', (c) => c.json(webhooks.deliveries()));
app.post('/_scenario/webhooks/resend', (c) => c.json({ resent: webhooks.resendUndelivered() }));
app.get('/_scenario/markets', (c) => c.json(book.markets()));

app.post('/_scenario/fixtures', async (c) => {
  const order = await readOrder(c, fixtureOrder);
  if (order instanceof Response) return order;
  const { messages, ...fixture } = book.publishFixture(order);
  send(...messages);
  return c.json(fixture);
});
app.post('/_scenario/events/:event/state', async (c) => {
  const order = await readOrder(c, eventStateOrder);
  if (order instanceof Response) return order;
  const message = book.setEventState(c.req.param('event'), order.state);
  if (message === undefined) return c.json({ error: 'no such event' }, 404);
  send(message);
  return c.json({ messageId: message.id });
});

type MarketOrder<T> = (market: { eventId: string; marketId: string }, order: T) => Message | undefined;

/** A route for what is ordered of one market; a market that was never published is fine, that is one of the tricks. */
function orderOfMarket<T extends z.ZodType>(
  path: string,
  schema: T,
  carryOut: MarketOrder<z.infer<T>>,
): void {
  app.post(`/_scenario/events/:event/markets/:market/${path}`, async (c) => {
    const order = await readOrder(c, schema);
    if (order instanceof Response) return order;
    const market = { eventId: c.req.param('event') ?? '', marketId: c.req.param('market') ?? '' };
    const message = carryOut(market, order as z.infer<T>);
    if (message === undefined) return c.json({ error: 'there is nothing to do that to' }, 409);
    send(message);
    return c.json({ messageId: message.id });
  });
}

orderOfMarket('odds', oddsOrder, ({ eventId, marketId }, { odds, active }) =>
  book.moveOdds(eventId, marketId, odds, active),
);
orderOfMarket('state', stateOrder, ({ eventId, marketId }, { state }) =>
  book.setMarketState(eventId, marketId, state),
);
/** The first is a result, any later one a correction. */
orderOfMarket('result', outcomesOrder, ({ eventId, marketId }, { outcomes }) =>
  book.result(eventId, marketId, outcomes),
);
orderOfMarket('abandon', z.strictObject({}), ({ eventId, marketId }) => book.abandon(eventId, marketId));
orderOfMarket('contradict', outcomesOrder, ({ eventId, marketId }, { outcomes }) =>
  book.contradict(eventId, marketId, outcomes),
);
orderOfMarket('duplicate', duplicateOrder, ({ eventId, marketId }, { newId }) => {
  const last = book.lastMessage(eventId, marketId);
  return last === undefined || !newId ? last : { ...last, id: `msg_${randomUUID()}` };
});
/** Numbered now and sent later: whatever is published in between overtakes it. */
app.post('/_scenario/events/:event/markets/:market/late', async (c) => {
  const order = await readOrder(c, lateOrder);
  if (order instanceof Response) return order;
  const message = book.result(c.req.param('event'), c.req.param('market'), order.outcomes);
  setTimeout(() => send(message), order.delayMs);
  return c.json({ messageId: message.id });
});

const server = await serveParty(app, portVariable(), log, () => {
  webhooks.stop();
  store.close();
});
if (book.markets().length === 0)
  for (const fixture of opening) send(...book.publishFixture(fixtureOrder.parse(fixture)).messages);
webhooks.start();
log('feed', { port: server.port, markets: book.markets().length });
