/** Whether a settlement file could be read: written in its row, and shown to a person until one of the day was. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { FailureError } from '#domain/failures.ts';
import type { SettlementLine } from '#domain/payments/settlement.ts';
import { openWorkItem } from './commands/work-items.ts';

/** The file is cut short or is none of the kind that its PSP sends; no line of it counts. */
export class UnreadableFile extends Error {}

/** The lines, with what cannot be read told apart from everything else that may go wrong beside them. */
export async function* readLines(lines: AsyncIterable<SettlementLine>): AsyncGenerator<SettlementLine> {
  try {
    yield* lines;
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === 'invalid-request')
      throw new UnreadableFile(error.failure.detail);
    throw error;
  }
}

type DayFile = { readonly id: string; readonly psp: string; readonly day: string };

/** One item per day, however many broken files of it come. */
const subjectOf = ({ psp, day }: DayFile): string => `settlement-day:${psp}:${day}`;

/** A file that was reconciled before stays so: its lines are booked. */
export async function markUnreadable(trx: Trx, file: DayFile, detail: string): Promise<void> {
  const reason = detail.slice(0, 500) || 'It cannot be read.';
  await trx
    .updateTable('payments.settlementFile')
    .set({ state: 'unreadable', reason })
    .where('id', '=', file.id)
    .where('state', '=', 'stored')
    .execute();
  await openWorkItem(trx, {
    kind: 'unreadable-settlement',
    subject: subjectOf(file),
    brand: null,
    reason: `The settlement file of ${file.psp} for ${file.day}: ${reason}`.slice(0, 500),
  });
}

/** Closes the day's item whoever owns it: nothing is left to do for that person. */
export async function markReconciled(trx: Trx, file: DayFile & { readonly version: number }): Promise<void> {
  await trx
    .updateTable('payments.settlementFile')
    .set({ state: 'reconciled', reason: null })
    .where('id', '=', file.id)
    .where('state', '<>', 'reconciled')
    .execute();
  await trx
    .updateTable('payments.workItem')
    .set({
      closedAt: sql<Date>`now()`,
      resolution: `Version ${file.version} of the day's file was reconciled.`,
    })
    .where('kind', '=', 'unreadable-settlement')
    .where('subject', '=', subjectOf(file))
    .where('closedAt', 'is', null)
    .execute();
}

/** Whether another file of the day has told it before. */
export async function wasDayTold(trx: Trx, file: DayFile): Promise<boolean> {
  const told = await trx
    .selectFrom('payments.settlementFile')
    .select('id')
    .where('psp', '=', file.psp)
    .where('day', '=', sql<Date>`${file.day}::date`)
    .where('state', '=', 'reconciled')
    .where('id', '<>', file.id)
    .limit(1)
    .executeTakeFirst();
  return told !== undefined;
}

export type OpenDay = {
  readonly psp: string;
  /** UTC day, `2026-11-25`. */
  readonly day: string;
  /** By the database's clock, since when nobody could read the day's file. */
  readonly sinceMs: number;
  readonly nowMs: number;
};

/** Days that have files, the last ones of two weeks, and none that was reconciled, or a later one that is unreadable. */
export async function unreconciledDays(db: Database): Promise<readonly OpenDay[]> {
  const { rows } = await sql<OpenDay>`
    select f.psp, f.day::text as day,
      floor(extract(epoch from coalesce(min(w.opened_at), min(f.fetched_at))) * 1000)::float8 as since_ms,
      floor(extract(epoch from now()) * 1000)::float8 as now_ms
    from payments.settlement_file f
    left join payments.work_item w on w.kind = 'unreadable-settlement' and w.closed_at is null
      and w.subject = 'settlement-day:' || f.psp || ':' || f.day::text
    where f.state <> 'reconciled' and (w.id is not null or not exists (select from payments.settlement_file told
      where told.psp = f.psp and told.day = f.day and told.state = 'reconciled'))
    group by f.psp, f.day
    having coalesce(min(w.opened_at), min(f.fetched_at)) > now() - interval '16 days'
    order by f.day, f.psp`.execute(db);
  return rows;
}
