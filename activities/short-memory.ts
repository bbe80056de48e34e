/**
 * Remembers for some seconds what many requests ask the database alike, one question at a time: for values whose age
 * does not decide about money, such as which rules are live or how a PSP has been doing.
 */
import type { Database } from '#db/connect.ts';

/**
 * A reader that asks again when its answer for a name is older than `ageMsMax`. Requests that come meanwhile share one
 * question. A failure is not remembered. Names must be few: nothing is forgotten but with its database.
 */
export function rememberShortly<T>(
  ageMsMax: number,
  read: (db: Database, name: string, last: T | undefined) => Promise<T>,
): (db: Database, name: string) => Promise<T> {
  type Kept = { readonly askedAtMs: number; readonly answer: Promise<T>; last: T | undefined };
  const memory = new WeakMap<Database, Map<string, Kept>>();
  return (db, name) => {
    const ofDatabase = memory.get(db) ?? new Map<string, Kept>();
    memory.set(db, ofDatabase);
    const kept = ofDatabase.get(name);
    if (kept !== undefined && performance.now() - kept.askedAtMs < ageMsMax) return kept.answer;
    const answer = read(db, name, kept?.last);
    const next: Kept = { askedAtMs: performance.now(), answer, last: kept?.last };
    ofDatabase.set(name, next);
    answer.then(
      (value) => {
        next.last = value;
      },
      () => {
        if (ofDatabase.get(name) === next) ofDatabase.delete(name);
      },
    );
    return answer;
  };
}
