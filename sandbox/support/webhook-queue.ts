/** Outgoing webhooks as rows: sent at least once, with growing pauses, until the receiver answers 2xx. */
import { z } from 'zod';
import { inBackground } from './background.ts';
import type { Log } from './json-log.ts';
import type { StateStore } from './state-store.ts';

export const webhookFaults = z.object({
  /** How often each event is sent. */
  copies: z.int().min(1).max(20).default(1),
  delayMs: z.int().min(0).default(20),
  /** Every second event is held back, so that a later one overtakes it. */
  reorder: z.boolean().default(false),
  /** Events are written down as lost and never sent. */
  lose: z.boolean().default(false),
});
type WebhookFaults = z.infer<typeof webhookFaults>;

export interface WebhookQueue {
  enqueue(eventId: string, body: string): void;
  deliveries(): WebhookDelivery[];
  /** Sends what was lost or is still waiting, now. */
  resendUndelivered(): number;
  start(): void;
  stop(): void;
}

interface WebhookDelivery {
  id: number;
  event_id: string;
  state: 'waiting' | 'delivered' | 'lost';
  attempts: number;
  due_at_ms: number;
  last_answer: string | null;
}

interface QueueOptions {
  store: StateStore;
  url: string;
  /** Called at each attempt: signatures carry the time of sending. */
  sign: (body: string, eventId: string) => Record<string, string>;
  faults: () => WebhookFaults;
  log: Log;
}

const tables = `create table if not exists webhook (
  id integer primary key, event_id text not null, body text not null, state text not null default 'waiting',
  attempts integer not null default 0, due_at_ms integer not null, last_answer text)`;

const reorderGapMs = 400;
const answerTimeoutMs = 5000;
const pauseMsMax = 60_000;
const concurrentMax = 8;

export function createWebhookQueue({ store, url, sign, faults, log }: QueueOptions): WebhookQueue {
  store.run(tables);
  const sending = new Set<number>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;
  let eventCount = 0;

  function arm(): void {
    clearTimeout(timer);
    if (stopped || sending.size >= concurrentMax) return;
    const busy = [...sending];
    const next = store.one<{ due: number | null }>(
      `select min(due_at_ms) due from webhook where state = 'waiting' and id not in (${busy.map(() => '?').join(',')})`,
      ...busy,
    );
    if (next === undefined || next.due === null) return;
    timer = setTimeout(sendDue, Math.max(0, next.due - Date.now()));
  }

  function sendDue(): void {
    const due = store.all<{ id: number; event_id: string; body: string; attempts: number }>(
      `select id, event_id, body, attempts from webhook where state = 'waiting' and due_at_ms <= ?
       order by due_at_ms, id limit ?`,
      Date.now(),
      concurrentMax * 2,
    );
    for (const row of due)
      if (!sending.has(row.id) && sending.size < concurrentMax) inBackground(log, 'webhook', send(row));
    arm();
  }

  async function send(row: { id: number; event_id: string; body: string; attempts: number }): Promise<void> {
    sending.add(row.id);
    let answer: string;
    let accepted = false;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...sign(row.body, row.event_id) },
        body: row.body,
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
      await response.arrayBuffer();
      answer = String(response.status);
      accepted = response.ok;
    } catch (error) {
      answer = error instanceof Error ? error.name : 'error';
    }
    sending.delete(row.id);
    if (stopped) return;
    const attempts = row.attempts + 1;
    const pauseMs = Math.min(pauseMsMax, 250 * 2 ** Math.min(attempts, 12));
    store.run(
      'update webhook set state = ?, attempts = ?, due_at_ms = ?, last_answer = ? where id = ?',
      accepted ? 'delivered' : 'waiting',
      attempts,
      Date.now() + pauseMs,
      answer,
      row.id,
    );
    log('webhook', { eventId: row.event_id, attempt: attempts, answer });
    arm();
  }

  return {
    enqueue(eventId, body) {
      const { copies, delayMs, reorder, lose } = faults();
      eventCount += 1;
      const dueAtMs = Date.now() + delayMs + (reorder && eventCount % 2 === 1 ? reorderGapMs : 0);
      for (let copy = 0; copy < (lose ? 1 : copies); copy += 1) {
        store.run(
          'insert into webhook (event_id, body, state, due_at_ms) values (?, ?, ?, ?)',
          eventId,
          body,
          lose ? 'lost' : 'waiting',
          dueAtMs,
        );
      }
      if (lose) log('webhook_lost', { eventId });
      setImmediate(arm);
    },
    deliveries: () =>
      store.all<WebhookDelivery>(
        'select id, event_id, state, attempts, due_at_ms, last_answer from webhook order by id desc limit 500',
      ),
    resendUndelivered() {
      const count = store.run(
        `update webhook set state = 'waiting', due_at_ms = ? where state in ('lost', 'waiting')`,
        Date.now(),
      );
      setImmediate(arm);
      return count;
    },
    start() {
      stopped = false;
      arm();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
