/** Our side of a settlement file: what we know of the movement that a line names, and what a day should have held. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { matchCaptures } from '#domain/payments/capture-lines.ts';
import {
  namesDisputesByCharge,
  type KnownMovement,
  type SettlementKind,
  type SettlementLine,
} from '#domain/payments/settlement.ts';

export type BrandedMovement = KnownMovement & {
  readonly kind: SettlementKind;
  readonly brand: string;
  readonly pspReference: string;
  readonly captureReference: string | null;
  /** Of one of several captures of a charge; null where the charge is told as a whole. */
  readonly captureId: string | null;
};

type Row = {
  subject: string;
  brand: string;
  kind: SettlementKind;
  asset: string;
  gross: string;
  isBooked: boolean;
  pspReference: string;
  day: string;
  captureId: string | null;
  captureReference: string | null;
};

/** As the PSP's files name a dispute. */
const disputeReference = (psp: string) =>
  namesDisputesByCharge(psp)
    ? sql`(select a.psp_reference from payments.attempt a where a.deposit_id = s.deposit_id and a.psp = s.psp
        and a.state in ('approved', 'late_approved') order by a.number limit 1)`
    : sql`s.psp_reference`;

/** Every movement at a PSP that we believe in, signed as the PSP's balance moves. */
const movements = (psp: string) => sql<Row>`
  select 'deposit:' || d.id as subject, d.brand, 'charge' as kind, coalesce(a.processed_asset, d.asset) as asset,
    coalesce(a.processed_amount, d.amount) as gross, (d.state = 'captured' and a.psp = d.captured_psp
      and a.number = coalesce(d.captured_attempt, a.number)
      or exists (select from wallet.journal j where j.integration = 'pitboss'
        and j.external_id = 'deposit:' || d.id || ':a' || a.number || ':capture')) as is_booked,
    a.psp_reference, (a.resolved_at at time zone 'UTC')::date::text as day, null::uuid as capture_id,
    null::text as capture_reference, null::timestamptz as capture_at
  from payments.attempt a join payments.deposit d on d.id = a.deposit_id
  where a.psp = ${psp} and a.state in ('approved', 'late_approved') and a.psp_reference is not null
    and not exists (select from payments.authorisation h where h.deposit_id = a.deposit_id and h.attempt = a.number
      and h.several and h.ended_by is distinct from 'elsewhere')
  union all
  select 'modification:' || m.id, m.brand, 'charge', coalesce(m.processed_asset, m.asset),
    coalesce(m.processed_amount, m.amount), m.journal_id is not null, m.charge_reference,
    (coalesce(m.sent_at, m.closed_at) at time zone 'UTC')::date::text, m.id, m.psp_reference, m.requested_at
  from payments.modification m join payments.authorisation h on h.deposit_id = m.deposit_id
  where m.psp = ${psp} and m.kind = 'capture' and m.call_state in ('paid', 'late_paid')
    and h.several and h.ended_by is distinct from 'elsewhere'
  union all
  select 'refund:' || r.id, r.brand, 'refund', coalesce(r.processed_asset, r.asset),
    -coalesce(r.processed_amount, r.amount), r.state in ('submitted', 'parked', 'paid'),
    r.psp_reference, (coalesce(r.sent_at, r.closed_at) at time zone 'UTC')::date::text, null, null, null
  from payments.refund r
  where r.psp = ${psp} and r.call_state in ('paid', 'late_paid') and r.psp_reference is not null
  union all
  select 'dispute:' || m.dispute_id, s.brand, case m.kind when 'withdrawn' then 'dispute' else 'dispute-reversal' end,
    m.asset, case m.kind when 'withdrawn' then -m.amount else m.amount end, true, ${disputeReference(psp)},
    (m.booked_at at time zone 'UTC')::date::text, null, null, null
  from payments.dispute_movement m join payments.dispute s on s.id = m.dispute_id
  where m.psp = ${psp}
  union all
  select 'withdrawal:' || w.id, w.brand, 'payout', coalesce(p.processed_asset, w.asset),
    -coalesce(p.processed_amount, l.amount - l.fee), l.state in ('paid', 'returned') and l.paid_psp = p.psp, p.psp_reference,
    (p.resolved_at at time zone 'UTC')::date::text, null, null, null
  from payments.payout_attempt p join payments.withdrawal w on w.id = p.withdrawal_id
    join payments.withdrawal_leg l on l.withdrawal_id = p.withdrawal_id and l.leg = p.leg
  where p.psp = ${psp} and p.state in ('paid', 'late_paid') and p.psp_reference is not null`;

const fromRow = (row: Row): BrandedMovement => ({ ...row, gross: BigInt(row.gross) });

/** The movements that lines name, by the place of the line; what is not there is not ours. */
export async function movementsOf(
  db: Database | Trx,
  psp: string,
  lines: readonly NamedLine[],
): Promise<ReadonlyMap<number, BrandedMovement>> {
  const { rows } = await sql<Row & { place: bigint }>`
    select named.place, m.* from unnest(${lines.map(({ kind }) => kind)}::text[],
      ${lines.map(({ pspReference }) => pspReference)}::text[]) with ordinality as named(kind, psp_reference, place)
    join lateral (select * from (${movements(psp)}) known
      where known.kind = named.kind and known.psp_reference = named.psp_reference) m on true
    order by named.place, m.capture_at, m.subject`.execute(db);
  const found = new Map<number, BrandedMovement>();
  const charges = new Map<string, { places: Set<number>; captures: Map<string, BrandedMovement> }>();
  for (const { place, ...row } of rows) {
    const at = Number(place) - 1;
    if (row.captureId === null) {
      if (!found.has(at)) found.set(at, fromRow(row));
      continue;
    }
    const charge = charges.get(row.pspReference) ?? { places: new Set(), captures: new Map() };
    charges.set(row.pspReference, charge);
    charge.places.add(at);
    charge.captures.set(row.subject, fromRow(row));
  }
  if (charges.size === 0) return found;
  const told = await toldSubjects(
    db,
    psp,
    [...charges.values()].flatMap(({ captures }) => [...captures.keys()]),
  );
  for (const { places, captures } of charges.values()) {
    const ofCharge = [...places].flatMap((place) => {
      const line = lines[place];
      return line === undefined ? [] : [{ place, line }];
    });
    const matched = matchCaptures(
      ofCharge.map(({ line }) => line),
      [...captures.values()],
      told,
    );
    for (const [index, { place }] of ofCharge.entries()) {
      const capture = matched[index] ?? null;
      if (capture !== null) found.set(place, capture);
    }
  }
  return found;
}

type NamedLine = Pick<
  SettlementLine,
  'kind' | 'pspReference' | 'naturalKey' | 'captureReference' | 'asset' | 'gross'
>;

/** Which captures lines of files have told so far, by the natural keys of the lines. */
async function toldSubjects(
  db: Database | Trx,
  psp: string,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ naturalKey: string; subject: string }>`
    select distinct natural_key, subject from payments.settlement_line
    where psp = ${psp} and kind = 'charge' and subject = any (${subjects}::text[])`.execute(db);
  return new Map(rows.map(({ naturalKey, subject }) => [naturalKey, subject]));
}

/** Movements of a UTC day that no file of the PSP has told yet. */
export async function untoldMovements(
  db: Database | Trx,
  psp: string,
  day: string,
): Promise<readonly BrandedMovement[]> {
  const { rows } = await sql<Row>`select * from (${movements(psp)}) m where m.day = ${day}
    and not exists (select 1 from payments.settlement_line l
      where l.psp = ${psp} and l.subject = m.subject and l.kind = m.kind)`.execute(db);
  return rows.map(fromRow);
}
