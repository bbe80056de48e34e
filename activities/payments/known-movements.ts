/** Our side of a settlement file: what we know of the movement that a line names, and what a day should have held. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
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
    a.psp_reference, (a.resolved_at at time zone 'UTC')::date::text as day
  from payments.attempt a join payments.deposit d on d.id = a.deposit_id
  where a.psp = ${psp} and a.state in ('approved', 'late_approved') and a.psp_reference is not null
  union all
  select 'refund:' || r.id, r.brand, 'refund', coalesce(r.processed_asset, r.asset),
    -coalesce(r.processed_amount, r.amount), r.state in ('submitted', 'parked', 'paid'),
    r.psp_reference, (coalesce(r.sent_at, r.closed_at) at time zone 'UTC')::date::text
  from payments.refund r
  where r.psp = ${psp} and r.call_state in ('paid', 'late_paid') and r.psp_reference is not null
  union all
  select 'dispute:' || m.dispute_id, s.brand, case m.kind when 'withdrawn' then 'dispute' else 'dispute-reversal' end,
    m.asset, case m.kind when 'withdrawn' then -m.amount else m.amount end, true, ${disputeReference(psp)},
    (m.booked_at at time zone 'UTC')::date::text
  from payments.dispute_movement m join payments.dispute s on s.id = m.dispute_id
  where m.psp = ${psp}
  union all
  select 'withdrawal:' || w.id, w.brand, 'payout', coalesce(p.processed_asset, w.asset),
    -coalesce(p.processed_amount, l.amount - l.fee), l.state in ('paid', 'returned') and l.paid_psp = p.psp, p.psp_reference,
    (p.resolved_at at time zone 'UTC')::date::text
  from payments.payout_attempt p join payments.withdrawal w on w.id = p.withdrawal_id
    join payments.withdrawal_leg l on l.withdrawal_id = p.withdrawal_id and l.leg = p.leg
  where p.psp = ${psp} and p.state in ('paid', 'late_paid') and p.psp_reference is not null`;

const fromRow = (row: Row): BrandedMovement => ({ ...row, gross: BigInt(row.gross) });

/** The movements that lines name, by the place of the line; what is not there is not ours. */
export async function movementsOf(
  db: Database | Trx,
  psp: string,
  lines: readonly Pick<SettlementLine, 'kind' | 'pspReference'>[],
): Promise<ReadonlyMap<number, BrandedMovement>> {
  const { rows } = await sql<Row & { place: bigint }>`
    select named.place, m.* from unnest(${lines.map(({ kind }) => kind)}::text[],
      ${lines.map(({ pspReference }) => pspReference)}::text[]) with ordinality as named(kind, psp_reference, place)
    join lateral (select * from (${movements(psp)}) known
      where known.kind = named.kind and known.psp_reference = named.psp_reference limit 1) m on true`.execute(
    db,
  );
  return new Map(rows.map(({ place, ...row }) => [Number(place) - 1, fromRow(row)]));
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
