/** Whether the settlement files of an account that is not paid each day are whole: by all of them from payout to payout. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { problemOfCycle, type PayoutSchedule } from '#domain/payments/payout-schedule.ts';
import { UnreadableFile } from './settlement-reading.ts';

/** Days looked back for the last payout: longer than any cycle, so that the lines of all time are not added up. */
const daysMax = 100;

type CycleRow = {
  readonly asset: string;
  readonly rest: string;
  readonly isPaid: boolean;
  readonly missingDay: string | null;
};

/**
 * Looks at the lines of this file, just stored, with those of the days since the last payout of each asset; of a day that
 * was told again the last version counts. Throws `UnreadableFile`, so that nothing of this file counts. Where no payout
 * came before, the opening balance is not known and nothing is proven.
 */
export async function proveCycle(
  trx: Trx,
  file: { readonly id: string; readonly psp: string; readonly day: string },
  schedule: PayoutSchedule,
): Promise<void> {
  const { rows } = await sql<CycleRow>`
    with file as (
      (select distinct on (day) id, day from payments.settlement_file
        where psp = ${file.psp} and day < ${file.day}::date and day > ${file.day}::date - ${daysMax}::int and state = 'reconciled' order by day, version desc)
      union all select ${file.id}::uuid, ${file.day}::date),
    line as (select f.day, l.asset, l.kind, l.gross - l.fee as net
      from file f join payments.settlement_line l on l.file_id = f.id),
    cycle as (select asset, max(day) filter (where kind = 'bank-payout' and day < ${file.day}::date) as paid_on
      from line group by asset)
    select l.asset, sum(l.net)::text as rest,
      bool_or(l.kind = 'bank-payout' and l.day = ${file.day}::date) as is_paid,
      (select min(d)::date::text from generate_series(c.paid_on + 1, ${file.day}::date - 1, interval '1 day') d
        where not exists (select from file f where f.day = d::date)) as missing_day
    from cycle c join line l on l.asset = c.asset and l.day > c.paid_on
    group by l.asset, c.paid_on order by l.asset`.execute(trx);
  for (const row of rows) {
    const problem = problemOfCycle(schedule, file.day, { ...row, rest: BigInt(row.rest) });
    if (problem !== null)
      throw new UnreadableFile(`The file is truncated, or one since the last payout: ${problem}.`);
  }
}
