/** What the feed has published: events, markets, and every message under its sequence number. */
import { randomUUID } from 'node:crypto';
import type { StateStore } from '../support/state-store.ts';
import type { FixtureOrder, Outcomes } from './feed-orders.schema.ts';

export const feedTables = `
create table if not exists setting (name text primary key, value text not null);
create table if not exists event (id text primary key, sport text, name text, starts_at text, state text);
create table if not exists market (event_id text, id text, state text, selections text, primary key (event_id, id));
create table if not exists message (
  sequence integer primary key, id text not null, event_id text not null, market_id text, type text not null, body text not null);
`;

export interface Message {
  readonly id: string;
  readonly body: string;
}

export interface FeedBook {
  publishFixture(order: FixtureOrder): {
    eventId: string;
    marketId: string;
    selections: string[];
    messages: Message[];
  };
  hasMarket(eventId: string, marketId: string): boolean;
  setEventState(eventId: string, state: string): Message | undefined;
  moveOdds(eventId: string, marketId: string, odds: Record<string, string>, active: boolean): Message;
  setMarketState(eventId: string, marketId: string, state: string): Message;
  result(eventId: string, marketId: string, outcomes: Outcomes): Message;
  abandon(eventId: string, marketId: string): Message;
  /** Another result under a number before that of the last one; undefined when there is none yet. */
  contradict(eventId: string, marketId: string, outcomes: Outcomes): Message | undefined;
  /** The last message about the market, as it was sent. */
  lastMessage(eventId: string, marketId: string): Message | undefined;
  markets(): { eventId: string; marketId: string; name: string; state: string; startsAt: string }[];
}

/** Numbers go up in steps, so that a contradiction finds one in between. */
const sequenceStep = 10;

export function createFeedBook(store: StateStore): FeedBook {
  const nextSequence = (): number => {
    const last = store.one<{ last: number | null }>('select max(sequence) last from message')?.last ?? 0;
    return (Math.floor(last / sequenceStep) + 1) * sequenceStep;
  };

  function write(
    type: string,
    eventId: string,
    marketId: string | null,
    rest: object,
    sequence = nextSequence(),
  ): Message {
    const message = { type, sequence, eventId, ...(marketId === null ? {} : { marketId }), ...rest };
    const sent = { id: `msg_${randomUUID()}`, body: JSON.stringify(message) };
    store.run(
      'insert into message values (?, ?, ?, ?, ?, ?)',
      sequence,
      sent.id,
      eventId,
      marketId,
      type,
      sent.body,
    );
    return sent;
  }

  return {
    publishFixture(order) {
      const eventId = `ev-${randomUUID().slice(0, 13)}`;
      const startsAt = new Date(Date.now() + order.startsInMs).toISOString();
      const { sport, name, market: marketId } = order;
      const selections = Object.keys(order.odds);
      return store.transaction(() => {
        store.run('insert into event values (?, ?, ?, ?, ?)', eventId, sport, name, startsAt, 'scheduled');
        store.run(
          'insert into market values (?, ?, ?, ?)',
          eventId,
          marketId,
          'open',
          JSON.stringify(order.odds),
        );
        const messages = [
          write('event.updated', eventId, null, { sport, name, startsAt, state: 'scheduled' }),
          write('market.updated', eventId, marketId, {
            kind: marketId,
            name: marketId.replaceAll('-', ' '),
            state: 'open',
            selections: Object.entries(order.odds).map(([id, odds]) => ({
              id,
              name: id,
              odds,
              active: true,
            })),
          }),
        ];
        return { eventId, marketId, selections, messages };
      });
    },
    hasMarket: (eventId, marketId) =>
      store.one('select 1 from market where event_id = ? and id = ?', eventId, marketId) !== undefined,
    setEventState(eventId, state) {
      const event = store.one<{ sport: string; name: string; starts_at: string }>(
        'select * from event where id = ?',
        eventId,
      );
      if (event === undefined) return undefined;
      store.run('update event set state = ? where id = ?', state, eventId);
      const { sport, name, starts_at: startsAt } = event;
      return write('event.updated', eventId, null, { sport, name, startsAt, state });
    },
    moveOdds: (eventId, marketId, odds, active) =>
      write('odds.changed', eventId, marketId, {
        odds: Object.entries(odds).map(([selectionId, price]) => ({ selectionId, odds: price, active })),
      }),
    setMarketState(eventId, marketId, state) {
      store.run('update market set state = ? where event_id = ? and id = ?', state, eventId, marketId);
      return write('market.state-changed', eventId, marketId, { state });
    },
    result: (eventId, marketId, outcomes) => write('market.resulted', eventId, marketId, { outcomes }),
    abandon: (eventId, marketId) => write('market.abandoned', eventId, marketId, {}),
    contradict(eventId, marketId, outcomes) {
      const last = store.one<{ sequence: number }>(
        `select sequence from message where event_id = ? and market_id = ? and type in ('market.resulted', 'market.abandoned')
         order by sequence desc limit 1`,
        eventId,
        marketId,
      );
      if (last === undefined) return undefined;
      const taken = (at: number) => store.one('select 1 from message where sequence = ?', at) !== undefined;
      let sequence = last.sequence - 1;
      while (taken(sequence)) sequence -= 1;
      return write('market.resulted', eventId, marketId, { outcomes }, sequence);
    },
    lastMessage: (eventId, marketId) =>
      store.one<{ id: string; body: string }>(
        'select id, body from message where event_id = ? and market_id = ? order by sequence desc limit 1',
        eventId,
        marketId,
      ),
    markets: () =>
      store.all(
        `select m.event_id as eventId, m.id as marketId, e.name, m.state, e.starts_at as startsAt
         from market m join event e on e.id = m.event_id order by e.starts_at, m.id limit 500`,
      ),
  };
}
