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
  -- What went back to a wallet is a refund in the PSP's words.
  select 'withdrawal:' || w.id, w.brand, case when l.deposit_id is null then 'payout' else 'refund' end, coalesce(p.processed_asset, w.asset),
    -coalesce(p.processed_amount, l.amount - l.fee), l.state in ('paid', 'returned') and l.paid_psp = p.psp, p.psp_reference,
    (p.resolved_at at time zone 'UTC')::date::text, null, null, null
  from payments.payout_attempt p join payments.withdrawal w on w.id = p.withdrawal_id
    join payments.withdrawal_leg l on l.withdrawal_id = p.withdrawal_id and l.leg = p.leg
  where p.psp = ${psp} and p.state in ('paid', 'late_paid') and p.psp_reference is not null`;

const disputeKinds: readonly SettlementKind[] = ['dispute', 'dispute-reversal'];

/** Funds of a dispute may be taken and given back more than once under one reference: `nth` counts each way by itself. */
const disputeMovements = (psp: string) => sql<Row & { nth: bigint }>`
  select f.*, row_number() over (partition by f.kind, f.psp_reference order by f.booked_at, f.number) as nth
  from (select 'dispute:' || m.dispute_id as subject, s.brand,
      case m.kind when 'withdrawn' then 'dispute' else 'dispute-reversal' end as kind, m.asset,
      case m.kind when 'withdrawn' then -m.amount else m.amount end as gross, true as is_booked,
      ${disputeReference(psp)} as psp_reference, (m.booked_at at time zone 'UTC')::date::text as day, m.booked_at, m.number
    from payments.dispute_movement m join payments.dispute s on s.id = m.dispute_id
    where m.psp = ${psp}) f`;

const fromRow = (row: Row): BrandedMovement => ({ ...row, gross: BigInt(row.gross) });

/** A line with its place among the lines of its kind and reference that the PSP has ever told, from 1. */
export type NamedLine = Pick<
  SettlementLine,
  'kind' | 'pspReference' | 'naturalKey' | 'captureReference' | 'asset' | 'gross'
> & { readonly nth: number };

/** The movements that lines name, by the place of the line; what is not there is not ours, or we have not booked it. */
export async function movementsOf(
  db: Database | Trx,
  psp: string,
  lines: readonly NamedLine[],
): Promise<ReadonlyMap<number, BrandedMovement>> {
  const named = sql`unnest(${lines.map(({ kind }) => kind)}::text[],
      ${lines.map(({ pspReference }) => pspReference)}::text[], ${lines.map(({ nth }) => nth)}::bigint[])
      with ordinality as named(kind, psp_reference, nth, place)`;
  const { rows } = await sql<Row & { place: bigint }>`
    select named.place, m.* from ${named}
    join lateral (select * from (${movements(psp)}) known
      where known.kind = named.kind and known.psp_reference = named.psp_reference offset 0) m on true
    order by named.place, m.capture_at, m.subject`.execute(db);
  const found = new Map<number, BrandedMovement>();
  const captures: (readonly [number, BrandedMovement])[] = [];
  for (const { place, ...row } of rows) {
    const at = Number(place) - 1;
    if (row.captureId !== null) captures.push([at, fromRow(row)]);
    else if (!found.has(at)) found.set(at, fromRow(row));
  }
  await addCaptures(db, psp, lines, captures, found);
  if (!lines.some(({ kind }) => disputeKinds.includes(kind))) return found;
  const disputed = await sql<Row & { place: bigint }>`
    select named.place, d.subject, d.brand, d.kind, d.asset, d.gross, d.is_booked, d.psp_reference, d.day,
      null::uuid as capture_id, null::text as capture_reference
    from ${named} join (${disputeMovements(psp)}) d using (kind, psp_reference, nth)`.execute(db);
  for (const { place, ...row } of disputed.rows) found.set(Number(place) - 1, fromRow(row));
  return found;
}

/** Of a charge that was captured in parts every line is about one capture, and every capture is told by one line. */
async function addCaptures(
  db: Database | Trx,
  psp: string,
  lines: readonly NamedLine[],
  candidates: readonly (readonly [number, BrandedMovement])[],
  found: Map<number, BrandedMovement>,
): Promise<void> {
  if (candidates.length === 0) return;
  const charges = new Map<string, { places: Set<number>; captures: Map<string, BrandedMovement> }>();
  for (const [place, capture] of candidates) {
    const charge = charges.get(capture.pspReference) ?? { places: new Set(), captures: new Map() };
    charges.set(capture.pspReference, charge);
    charge.places.add(place);
    charge.captures.set(capture.subject, capture);
  }
  const told = await toldSubjects(
    db,
    psp,
    candidates.map(([, { subject }]) => subject),
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
}

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

/**
 * Where each line stands among those of its kind and reference, earlier files first; a line that was told before keeps its
 * place. Only of disputes: all other movements have a reference of their own.
 */
export async function placesOf(
  trx: Trx,
  psp: string,
  lines: readonly Pick<SettlementLine, 'kind' | 'pspReference' | 'naturalKey'>[],
): Promise<readonly number[]> {
  const disputed = lines.filter(({ kind }) => disputeKinds.includes(kind));
  if (disputed.length === 0) return lines.map(() => 1);
  const { rows } = await sql<{ kind: string; pspReference: string; naturalKey: string }>`
    select l.kind, l.psp_reference, l.natural_key
    from payments.settlement_line l join payments.settlement_file f on f.id = l.file_id
    where l.psp = ${psp} and l.kind in ('dispute', 'dispute-reversal')
      and l.psp_reference = any (${disputed.map(({ pspReference }) => pspReference)}::text[])
    group by 1, 2, 3 order by min(f.fetched_at), min(f.version), min(l.line)`.execute(trx);
  const keys = new Map<string, string[]>();
  const placeOf = (line: { kind: string; pspReference: string; naturalKey: string }): number => {
    const name = `${line.kind}\n${line.pspReference}`;
    const told = keys.get(name) ?? [];
    keys.set(name, told);
    const known = told.indexOf(line.naturalKey);
    return known === -1 ? told.push(line.naturalKey) : known + 1;
  };
  rows.forEach(placeOf);
  return lines.map((line) => (disputeKinds.includes(line.kind) ? placeOf(line) : 1));
}

export type UntoldMovement = BrandedMovement & {
  /** Which of its kind and reference it is, from 1. */
  readonly nth: number;
};

/** Movements of a UTC day that no file of the PSP has told yet. */
export async function untoldMovements(
  db: Database | Trx,
  psp: string,
  day: string,
): Promise<readonly UntoldMovement[]> {
  const { rows } = await sql<Row>`select * from (${movements(psp)}) m where m.day = ${day}
    and not exists (select 1 from payments.settlement_line l
      where l.psp = ${psp} and l.subject = m.subject and l.kind = m.kind)`.execute(db);
  // What is told of a dispute stands for its movements in their order: of two only the second can be untold.
  const disputed = await sql<Row & { nth: bigint }>`
    select d.subject, d.brand, d.kind, d.asset, d.gross, d.is_booked, d.psp_reference, d.day, d.nth,
      null::uuid as capture_id, null::text as capture_reference
    from (${disputeMovements(psp)}) d where d.day = ${day}
    and d.nth > (select count(distinct l.natural_key) from payments.settlement_line l
      where l.psp = ${psp} and l.kind = d.kind and l.psp_reference = d.psp_reference)`.execute(db);
  return [
    ...rows.map((row) => ({ ...fromRow(row), nth: 1 })),
    ...disputed.rows.map(({ nth, ...row }) => ({ ...fromRow(row), nth: Number(nth) })),
  ];
}
