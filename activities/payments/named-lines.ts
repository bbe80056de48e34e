/**
 * Lines of a settlement file that no movement of ours explains, but that name a call of ours: its answer was lost, or it was
 * closed. The file is no proof of the payment's outcome; it is the reason to ask the PSP again.
 */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { parseReference, subjectOf, type PaymentSubject } from '#domain/payments/reference.ts';
import { breaksOfLine, type SettlementKind, type SettlementLine } from '#domain/payments/settlement.ts';
import { closeBreak, openBreak } from './commands/breaks.ts';
import { movementsOf } from './known-movements.ts';
import { bookFee, feeTerms, lockPsp } from './settlement-booking.ts';

export type NamedCall = { readonly subject: string; readonly attempt: number };

/** What a line of each kind may be about; another name in it is not believed. */
const nounsOf: Partial<Record<SettlementKind, readonly PaymentSubject['kind'][]>> = {
  charge: ['deposit', 'modification'],
  refund: ['refund', 'withdrawal'],
  payout: ['withdrawal'],
};

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The calls that lines name by our reference, by the index of the line; only calls that were made at this PSP. */
export async function namedCalls(
  trx: Trx,
  psp: string,
  lines: readonly Pick<SettlementLine, 'kind' | 'reference' | 'pspReference'>[],
): Promise<ReadonlyMap<number, NamedCall>> {
  const named = lines.flatMap((line, index) => {
    const subject = line.reference === null ? null : parseReference(line.reference);
    if (subject === null || !uuidForm.test(subject.id)) return [];
    return nounsOf[line.kind]?.includes(subject.kind) === true
      ? [{ ...subject, index, pspReference: line.pspReference }]
      : [];
  });
  if (named.length === 0) return new Map();
  const { rows } = await sql<{ place: bigint }>`
    with named as (select * from unnest(${named.map(({ kind }) => kind)}::text[], ${named.map(({ id }) => id)}::uuid[],
        ${named.map(({ attempt }) => attempt)}::int[], ${named.map(({ pspReference }) => pspReference)}::text[])
        with ordinality as n(kind, id, attempt, psp_reference, place)),
      -- The PSP's own name of the call is what it can be asked by, where its answer with that name was lost.
      charges as (update payments.attempt a set psp_reference = n.psp_reference from named n
        where n.kind = 'deposit' and a.deposit_id = n.id and a.number = n.attempt and a.psp = ${psp}
          and a.psp_reference is null and a.sent_at is not null),
      payouts as (update payments.payout_attempt p set psp_reference = n.psp_reference from named n
        where n.kind = 'withdrawal' and p.withdrawal_id = n.id and p.number = n.attempt and p.psp = ${psp}
          and p.psp_reference is null and p.sent_at is not null)
    select n.place from named n where case n.kind
      when 'deposit' then exists (select from payments.attempt a
        where a.deposit_id = n.id and a.number = n.attempt and a.psp = ${psp})
      when 'withdrawal' then exists (select from payments.payout_attempt p
        where p.withdrawal_id = n.id and p.number = n.attempt and p.psp = ${psp})
      when 'refund' then exists (select from payments.refund r where r.id = n.id and r.psp = ${psp})
      else exists (select from payments.modification m where m.id = n.id and m.psp = ${psp}) end`.execute(
    trx,
  );
  const known = new Set(rows.map(({ place }) => Number(place) - 1));
  return new Map(
    named.flatMap((call, place) =>
      known.has(place) ? [[call.index, { subject: subjectOf(call), attempt: call.attempt }] as const] : [],
    ),
  );
}

type OpenLine = {
  breakId: string;
  day: string;
  fileId: string;
  line: number;
  naturalKey: string;
  kind: SettlementKind;
  pspReference: string;
  reference: string | null;
  asset: string;
  gross: string;
  fee: string;
  /** What the same line of another file was matched with. */
  matchedWith: string | null;
};

const rowsMax = 1_000;

/**
 * Matches lines whose payment has settled meanwhile: what else differs opens its break, the fee is booked, and the break
 * closes by the movement. `isDayOver`: also a movement that our ledger has not booked counts, as `unbooked`.
 */
export async function matchNamedLines(trx: Trx, psp: string, isDayOver: boolean): Promise<void> {
  const { rows } = await sql<OpenLine>`
    select b.id as break_id, b.day::text as day, l.*, (select told.subject from payments.settlement_line told
        where told.psp = b.psp and told.natural_key = b.natural_key and told.subject is not null limit 1) as matched_with
    from payments.reconciliation_break b join lateral (
      select l.file_id, l.line, l.natural_key, l.kind, l.psp_reference, l.reference, l.asset, l.gross::text, l.fee::text
      from payments.settlement_line l join payments.settlement_file f on f.id = l.file_id
      where l.psp = b.psp and l.natural_key = b.natural_key order by f.fetched_at desc, f.version desc, l.line limit 1) l on true
    where b.psp = ${psp} and b.kind = 'extra' and b.attempt is not null and b.closed_at is null
    order by b.opened_at limit ${rowsMax}`.execute(trx);
  if (rows.length === 0) return;
  const lines = rows.map(({ gross, fee, ...row }) => ({
    ...row,
    gross: BigInt(gross),
    fee: BigInt(fee),
    nth: 1,
  }));
  const [movements, terms] = [await movementsOf(trx, psp, lines), await feeTerms(trx, psp)];
  for (const [index, line] of lines.entries()) {
    const known = movements.get(index);
    const subject = line.matchedWith ?? known?.subject ?? null;
    if (subject === null) continue;
    if (line.matchedWith === null && known !== undefined) {
      if (!known.isBooked && !isDayOver) continue;
      await trx
        .updateTable('payments.settlementLine')
        .set({ subject })
        .where('fileId', '=', line.fileId)
        .where('line', '=', line.line)
        .execute();
      for (const found of breaksOfLine(line, known, terms.get(line.kind) ?? null, false))
        await openBreak(trx, {
          ...found,
          psp,
          day: line.day,
          naturalKey: line.naturalKey,
          subject,
          asset: line.asset,
        });
      if (known.asset === line.asset)
        await bookFee(trx, {
          key: `settlement:${line.fileId}:line:${line.line}:fee`,
          fileId: line.fileId,
          psp,
          brand: known.brand,
          asset: line.asset,
          amount: line.fee,
        });
    }
    orThrow(
      await closeBreak(trx, line.breakId, {
        proof: { kind: 'movement', reference: subject },
        resolution: 'the payment that the line names has settled',
        actor: { kind: 'system', id: 'reconciliation' },
      }),
    );
  }
}

/** As `matchNamedLines`, for every PSP that has such breaks. */
export async function settleNamedBreaks(db: Database): Promise<void> {
  const psps = await db
    .selectFrom('payments.reconciliationBreak')
    .select('psp')
    .distinct()
    .where('attempt', 'is not', null)
    .where('closedAt', 'is', null)
    .execute();
  for (const { psp } of psps)
    await db.transaction().execute(async (trx) => {
      await lockPsp(trx, psp);
      await matchNamedLines(trx, psp, false);
    });
}

/** More would not help: the break and its work item stay with a person. With pauses up to a day these are three weeks. */
const pokesMax = 30;

/** Calls whose payment is to ask its PSP again, each with pauses that double from a minute to a day. */
export async function takeDuePokes(db: Database): Promise<readonly NamedCall[]> {
  const { rows } = await sql<NamedCall>`
    update payments.reconciliation_break b set pokes = b.pokes + 1, poked_at = now()
    where b.id in (select id from payments.reconciliation_break
      where attempt is not null and closed_at is null and kind = 'extra' and pokes < ${pokesMax}
        and (poked_at is null or poked_at < now() - least(interval '1 minute' * power(2, least(pokes, 11) - 1), interval '1 day'))
      order by poked_at nulls first limit 200 for update skip locked)
    returning b.subject, b.attempt`.execute(db);
  return rows;
}
