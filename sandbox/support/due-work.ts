/** Work that falls due later, kept as rows so that a killed process takes it up again after its restart. */
import { inBackground } from './background.ts';
import type { Log } from './json-log.ts';
import type { StateStore } from './state-store.ts';

export interface DueWork {
  schedule(kind: string, subject: string, delayMs: number): void;
  start(): void;
  stop(): void;
}

type Handler = (subject: string) => void | Promise<void>;

const tables = `create table if not exists due_work (
  id integer primary key, kind text not null, subject text not null, due_at_ms integer not null)`;

/** A handler that throws is tried again after this pause. */
const retryAfterMs = 1000;

export function createDueWork(
  store: StateStore,
  handlers: Readonly<Record<string, Handler>>,
  log: Log,
): DueWork {
  store.run(tables);
  const running = new Set<number>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;

  function arm(): void {
    clearTimeout(timer);
    if (stopped) return;
    const busy = [...running];
    const next = store.one<{ due: number | null }>(
      `select min(due_at_ms) due from due_work where id not in (${busy.map(() => '?').join(',')})`,
      ...busy,
    );
    if (next === undefined || next.due === null) return;
    timer = setTimeout(runDue, Math.max(0, next.due - Date.now()));
  }

  function runDue(): void {
    const due = store.all<{ id: number; kind: string; subject: string }>(
      'select id, kind, subject from due_work where due_at_ms <= ? order by due_at_ms, id limit 50',
      Date.now(),
    );
    for (const item of due) if (!running.has(item.id)) inBackground(log, item.kind, runOne(item));
    arm();
  }

  async function runOne(item: { id: number; kind: string; subject: string }): Promise<void> {
    running.add(item.id);
    try {
      await handlers[item.kind]?.(item.subject);
      if (!stopped) store.run('delete from due_work where id = ?', item.id);
    } catch (error) {
      log('due_work_failed', { kind: item.kind, subject: item.subject, error: String(error) });
      if (!stopped)
        store.run('update due_work set due_at_ms = ? where id = ?', Date.now() + retryAfterMs, item.id);
    } finally {
      running.delete(item.id);
      arm();
    }
  }

  return {
    schedule(kind, subject, delayMs) {
      store.run(
        'insert into due_work (kind, subject, due_at_ms) values (?, ?, ?)',
        kind,
        subject,
        Date.now() + delayMs,
      );
      // After the surrounding transaction has committed.
      setImmediate(arm);
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
