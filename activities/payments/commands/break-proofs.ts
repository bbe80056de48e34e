/** What proves a break closed: something that is about it, of its amount, made after it, and that proves nothing else. */
import { sql, type RawBuilder } from 'kysely';
import type { Trx } from '#db/connect.ts';
import type { BreakRow, Proof } from './breaks.ts';

/** These move our own books, so one person proposes and another one closes. */
export const needsSecondPerson = (kind: Proof['kind']): boolean =>
  kind === 'journal' || kind === 'correction';

export async function isProven(trx: Trx, row: BreakRow, proof: Proof): Promise<boolean> {
  const { rows } = await queryOf(row, proof).execute(trx);
  return rows.length > 0;
}

function queryOf(row: BreakRow, { kind, reference }: Proof): RawBuilder<unknown> {
  switch (kind) {
    case 'later-line':
      return row.kind === 'restated' ? restatedLine(row, reference) : laterLine(row, reference);
    case 'bank-line':
      return sql`select 1 from payments.bank_match m where m.psp = ${row.psp} and m.natural_key = ${row.naturalKey}
        and m.bank_line_id::text = ${reference}`;
    case 'movement':
      return row.kind === 'extra' ? matchedLine(row, reference) : nothing;
    case 'journal':
      return journal(row, reference);
    case 'correction':
      return correction(row, reference);
  }
}

/**
 * What our books lack, in units as the PSP's balance moves; null where no amount is known. Of another currency nothing is
 * booked, so all of the line is.
 */
function lack(row: BreakRow): bigint | null {
  if (row.asset === null || (row.expected === null && row.found === null)) return null;
  const expected = row.kind === 'currency' ? 0n : BigInt(row.expected ?? 0);
  const delta = BigInt(row.found ?? 0) - expected;
  // A fee leaves the balance.
  return row.kind === 'fee' ? -delta : delta;
}

const nothing = sql`select 1 where false`;

/** Each further difference of a restated day is a break of its own; that the version was read is what is to be seen. */
const restatedLine = (row: BreakRow, reference: string) => sql`
  select 1 from payments.settlement_line l join payments.settlement_file f on f.id = l.file_id
  where l.psp = ${row.psp} and l.natural_key = ${reference} and f.name || '#' || f.version = ${row.naturalKey} limit 1`;

/** The line itself, once its payment has settled and it was matched. */
const matchedLine = (row: BreakRow, reference: string) => sql`
  select 1 from payments.settlement_line l
  where l.psp = ${row.psp} and l.natural_key = ${row.naturalKey} and l.subject = ${reference} limit 1`;

/** The same movement told anew as we know it, or another one of the same payment that takes the difference back. */
const laterLine = (row: BreakRow, reference: string) => sql`
  select 1 from payments.settlement_line l join payments.settlement_file f on f.id = l.file_id
  where l.psp = ${row.psp} and l.natural_key = ${reference} and f.fetched_at > ${row.openedAt}
    and case ${row.kind}::text
      when 'missing' then l.subject = ${row.subject} and l.gross = ${row.expected}::numeric
      else l.natural_key = ${row.naturalKey} and case ${row.kind}::text
          when 'extra' then l.subject is not null
          when 'amount' then l.subject = ${row.subject} and l.gross = ${row.expected}::numeric
          when 'fee' then l.fee = ${row.expected}::numeric
          when 'currency' then l.asset <> ${row.asset} and l.gross = ${row.expected}::numeric
          else false end
        or l.natural_key <> ${row.naturalKey} and l.asset = ${row.asset}
          and l.gross = -(${lack(row)?.toString() ?? null}::numeric)
          and (l.subject = ${row.subject} or exists (select from payments.settlement_line told
            where told.psp = l.psp and told.natural_key = ${row.naturalKey} and told.psp_reference = l.psp_reference))
      end
  limit 1`;

/** What a PSP owes us stands below zero in the ledger, so its accounts move against its balance. */
function journal(row: BreakRow, reference: string): RawBuilder<unknown> {
  const units = lack(row);
  if (units === null || units === 0n) return nothing;
  return sql`select 1 from wallet.journal j
    where j.id::text = ${reference} and j.asset = ${row.asset} and j.occurred_at > ${row.openedAt}
      and (${row.subject}::text is null or j.subject = ${row.subject}
        or exists (select from wallet.journal first where first.id in (j.answers, j.reverses)
          and first.subject = ${row.subject}))
      and (select sum(e.amount) from wallet.entry e where e.journal_id = j.id and e.player_id is null
        and (starts_with(e.account, ${`psp:${row.psp}:`}) or e.account = ${`suspense:${row.psp}`}))
        = ${(-units).toString()}::numeric
      and ${isUnused('journal', reference, row)}`;
}

/** A player's money: credited where the PSP has more than we booked, debited where it has less. A fee is no player's. */
function correction(row: BreakRow, reference: string): RawBuilder<unknown> {
  const units = lack(row);
  if (units === null || units === 0n || row.kind === 'fee') return nothing;
  const [noun = '', id = null] = row.subject?.split(':') ?? [];
  const tables: Readonly<Record<string, string>> = {
    deposit: 'deposit',
    withdrawal: 'withdrawal',
    refund: 'refund',
    modification: 'modification',
    dispute: 'dispute',
  };
  const table = tables[noun];
  return sql`select 1 from wallet.adjustment a
    where a.id::text = ${reference} and a.state = 'posted' and a.asset = ${row.asset} and a.decided_at > ${row.openedAt}
      and a.direction = ${units > 0n ? 'credit' : 'debit'} and a.amount = ${(units > 0n ? units : -units).toString()}::numeric
      ${table === undefined ? sql`` : sql`and a.player_id = (select player_id from ${sql.table(`payments.${table}`)} where id = ${id}::uuid)`}
      and ${isUnused('correction', reference, row)}`;
}

const isUnused = (kind: string, reference: string, row: BreakRow) => sql`not exists (
  select from payments.reconciliation_break b
  where b.proof_kind = ${kind} and b.proof_reference = ${reference} and b.id <> ${row.id})
  and not exists (select from payments.suspense_item s
    where s.release_kind = ${kind} and s.release_reference = ${reference})`;
