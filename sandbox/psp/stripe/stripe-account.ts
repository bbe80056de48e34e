/** /v1/balance and /v1/events: what is left with the PSP, and every event it ever wrote, for when webhooks were lost. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import { listObject } from './stripe-objects.ts';
import { answerRead } from './stripe-requests.ts';

export function serveStripeAccount(app: PartyApp, psp: Psp): void {
  app.get('/v1/balance', (c) =>
    answerRead(c, () => {
      const sums = psp.store.all<{ currency: string; amount: number }>(
        `select currency, sum(case when kind in ('charge', 'dispute_reversal') then amount else -amount end) amount from movement group by currency`,
      );
      const available = sums.map(({ currency, amount }) => ({
        amount,
        currency: currency.toLowerCase(),
        source_types: { card: amount },
      }));
      return { object: 'balance', available, pending: [], livemode: false };
    }),
  );

  app.get('/v1/events', (c) =>
    answerRead(c, () => {
      const type = c.req.query('type');
      const limit = Math.min(100, Number(c.req.query('limit') ?? 10));
      const after = c.req.query('starting_after');
      const all = psp.store
        .all<{ body: string }>('select body from webhook group by event_id order by min(id) desc')
        .map(({ body }) => JSON.parse(body) as { id: string; type: string })
        .filter((event) => type === undefined || event.type === type);
      const from = after === undefined ? 0 : all.findIndex((event) => event.id === after) + 1;
      return listObject('/v1/events', all.slice(from, from + limit), all.length > from + limit);
    }),
  );

  app.get('/v1/events/:id', (c) =>
    answerRead(c, () => {
      const row = psp.store.one<{ body: string }>(
        'select body from webhook where event_id = ?',
        c.req.param('id'),
      );
      if (row === undefined) throw new Refusal('not_found', `No such event: '${c.req.param('id')}'`, 'id');
      return JSON.parse(row.body) as unknown;
    }),
  );
}
