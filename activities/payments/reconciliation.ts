/** Reconciliation of one PSP and day: the file is kept as it came, each line is matched, each difference is a break. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { bookPspPayout } from '#activities/wallet/post-house.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { PayoutSchedule } from '#domain/payments/payout-schedule.ts';
import { breaksOfLine, type FeeTerm, type SettlementLine } from '#domain/payments/settlement.ts';
import { isNamedBy } from './bank-names.ts';
import type { ActivityDeps } from '../deps.ts';
import { closeBreak, openBreak } from './commands/breaks.ts';
import { movementsOf, placesOf, untoldMovements, type UntoldMovement } from './known-movements.ts';
import { matchNamedLines, namedCalls } from './named-lines.ts';
import { proveCycle } from './payout-cycle.ts';
import { bookFee, feeTerms, lockPsp } from './settlement-booking.ts';
import { releasePayout } from './suspense.ts';
import {
  markReconciled,
  markUnreadable,
  readLines,
  UnreadableFile,
  wasDayTold,
} from './settlement-reading.ts';

export type PspDay = { readonly psp: string; readonly day: string };

export type Reconciled = {
  readonly lines: number;
  readonly openBreaks: number;
  /** No line of the file counts; a person has it, and the day is fetched again. Missing in old answers. */
  readonly isUnreadable?: boolean;
};

/** A payout that no statement shows after this many days is a break. */
const bankDays = 3;

const actor = { kind: 'system', id: 'reconciliation' } as const;

export function createReconciliationActivities(deps: Pick<ActivityDeps, 'db' | 'psps' | 'log'>) {
  const { db } = deps;
  return {
    /**
     * Fetches the day's file and stores it raw, with its hash. The same bytes again are nothing new. Failure:
     * `dependency-unavailable` while the PSP has none.
     */
    async fetchSettlement({
      psp,
      day,
    }: PspDay): Promise<{ readonly fileId: string; readonly isNew: boolean }> {
      const settlement = deps.psps.get(psp)?.settlement;
      const fetched = settlement
        ? await settlement.settlementFile(day)
        : ({ kind: 'unavailable', reason: 'no such connector' } as const);
      if (fetched.kind === 'unavailable')
        throw new FailureError(
          fail('dependency-unavailable', `No file of ${psp} for ${day}: ${fetched.reason}.`).failure,
        );
      const sha256 = createHash('sha256').update(fetched.content, 'utf8').digest();
      return db.transaction().execute(async (trx) => {
        await lockPsp(trx, psp);
        const known = await trx
          .selectFrom('payments.settlementFile')
          .select('id')
          .where('psp', '=', psp)
          .where('day', '=', sql<Date>`${day}::date`)
          .where('sha256', '=', sha256)
          .executeTakeFirst();
        if (known !== undefined) return { fileId: known.id, isNew: false };
        const { id } = await trx
          .insertInto('payments.settlementFile')
          .values({
            psp,
            day: sql<Date>`${day}::date`,
            version: sql<number>`(select coalesce(max(version), 0) + 1 from payments.settlement_file
              where psp = ${psp} and day = ${day}::date)`,
            name: fetched.name.slice(0, 200),
            sha256,
            // Text in the database has no zero characters; what stands for them is as unreadable.
            content: fetched.content.replaceAll('\0', '\uFFFD'),
            truncation: fetched.truncation ?? null,
          })
          .returning('id')
          .executeTakeFirstOrThrow();
        return { fileId: id, isNew: true };
      });
    },

    /**
     * Matches a stored file page by page and books its fees, once for ever. Of a file that cannot be read nothing is kept
     * but that, and a person is told.
     */
    async matchSettlement({ fileId }: { readonly fileId: string }): Promise<Reconciled> {
      const file = await db
        .selectFrom('payments.settlementFile')
        .select(['id', 'psp', 'version', 'name', 'truncation', sql<string>`day::text`.as('day')])
        .where('id', '=', fileId)
        .executeTakeFirstOrThrow();
      const settlement = deps.psps.get(file.psp)?.settlement;
      if (!settlement) throw new Error(`Invariant broken: a file of ${file.psp}, which is not connected`);
      try {
        if (file.truncation !== null) throw new UnreadableFile(file.truncation);
        return await db
          .transaction()
          .execute((trx) =>
            matchFile(
              trx,
              file,
              readLines(settlement.parseSettlement(contentOf(trx, fileId))),
              settlement.payoutSchedule,
            ),
          );
      } catch (error) {
        if (!(error instanceof UnreadableFile)) throw error;
        const { message } = error;
        deps.log.warn(
          { psp: file.psp, day: file.day, fileId, detail: message },
          'a settlement file cannot be read',
        );
        return db.transaction().execute(async (trx) => {
          await lockPsp(trx, file.psp);
          await markUnreadable(trx, file, message);
          return { lines: 0, openBreaks: await countOpenBreaks(trx, file), isUnreadable: true };
        });
      }
    },
  };
}

type StoredFile = FileRef & { readonly version: number; readonly name: string };

async function matchFile(
  trx: Trx,
  file: StoredFile,
  lines: AsyncIterable<SettlementLine>,
  schedule: PayoutSchedule | undefined,
): Promise<Reconciled> {
  const { id: fileId, psp, day } = file;
  await lockPsp(trx, psp);
  const { state } = await trx
    .selectFrom('payments.settlementFile')
    .select('state')
    .where('id', '=', fileId)
    .executeTakeFirstOrThrow();
  const isNew = state !== 'reconciled';
  let told = 0;
  if (isNew) {
    // Other content for a day that was told before: a person learns what has changed.
    if (await wasDayTold(trx, file))
      await openBreak(trx, {
        psp,
        day,
        kind: 'restated',
        naturalKey: `${file.name}#${file.version}`,
        subject: null,
        asset: null,
        expected: null,
        found: null,
      });
    const taken = await takeLines(trx, file, lines);
    told = taken.lines;
    if (schedule !== undefined) await proveCycle(trx, file, schedule);
    await bookFees(trx, file, taken.fees);
  }
  await markReconciled(trx, file);
  await compareDay(trx, psp, day);
  await matchBank(trx, psp);
  const openBreaks = await countOpenBreaks(trx, file);
  if (isNew)
    await appendEvent(
      trx,
      {
        type: 'payments.settlement.reconciled',
        version: 1,
        brand: '*',
        playerId: null,
        payload: { psp, day, fileId, lines: told, openBreaks },
      },
      { actor, subject: `settlement:${fileId}` },
    );
  return { lines: isNew ? told : await countLines(trx, fileId), openBreaks };
}

async function countOpenBreaks(trx: Trx, { psp, day }: PspDay): Promise<number> {
  const { count } = await trx
    .selectFrom('payments.reconciliationBreak')
    .select(sql<bigint>`count(*)`.as('count'))
    .where('psp', '=', psp)
    .where('day', '=', sql<Date>`${day}::date`)
    .where('closedAt', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

type FileRef = { readonly id: string; readonly psp: string; readonly day: string };

/** Characters that are held at once: a file of a busy day is large, and a worker does other things beside it. */
const rangeCharacters = 512 * 1_024;

/** The stored text range by range. */
async function* contentOf(trx: Trx, fileId: string): AsyncGenerator<string> {
  for (let from = 1; ; from += rangeCharacters) {
    const { rows } = await sql<{ part: string }>`
      select substr(content, ${from}::int, ${rangeCharacters}::int) as part
      from payments.settlement_file where id = ${fileId}`.execute(trx);
    const part = rows[0]?.part ?? '';
    if (part === '') return;
    yield part;
  }
}

/** Lines that are matched at once: enough to spare round trips, few enough to be held. */
const pageLines = 1_000;

/** Stores the lines and opens their breaks; answers with how many they are and the fees by brand and asset. */
async function takeLines(
  trx: Trx,
  file: FileRef,
  lines: AsyncIterable<SettlementLine>,
): Promise<{ readonly lines: number; readonly fees: ReadonlyMap<string, bigint> }> {
  const terms = await feeTerms(trx, file.psp);
  const fees = new Map<string, bigint>();
  let taken = 0;
  let page: SettlementLine[] = [];
  const takePage = async () => {
    await matchPage(trx, { file, terms, fees, before: taken }, page);
    taken += page.length;
    page = [];
  };
  for await (const line of lines) {
    page.push(line);
    if (page.length === pageLines) await takePage();
  }
  if (page.length > 0) await takePage();
  return { lines: taken, fees };
}

type Matching = {
  readonly file: FileRef;
  readonly terms: ReadonlyMap<string, FeeTerm>;
  readonly fees: Map<string, bigint>;
  /** Lines of this file before the page. */
  readonly before: number;
};

async function matchPage(
  trx: Trx,
  { file, terms, fees, before }: Matching,
  page: readonly SettlementLine[],
): Promise<void> {
  const told = await toldBefore(trx, file, page);
  const seen = new Set<string>();
  const places = await placesOf(trx, file.psp, page);
  const movements = await movementsOf(
    trx,
    file.psp,
    page.map((line, index) => ({ ...line, nth: places[index] ?? 1 })),
  );
  const matched = page.map((line, index) => {
    const isRepeated = seen.has(line.naturalKey) || told.get(line.naturalKey)?.isRepeat === true;
    // A fee is booked with the first file that names its line, and what a later version of the day says otherwise.
    const booked = isRepeated ? null : (told.get(line.naturalKey)?.booked ?? 0n);
    seen.add(line.naturalKey);
    const known = line.kind === 'bank-payout' ? null : (movements.get(index) ?? null);
    return { line, known, isRepeated, booked };
  });
  await storeLines(
    trx,
    file,
    before,
    matched.map(({ line, known, isRepeated }) => ({
      line,
      subject: isRepeated ? null : (known?.subject ?? null),
    })),
  );
  // A line that is told twice says nothing new; of the others the rest may name a call that we know.
  const named = await namedCalls(
    trx,
    file.psp,
    matched.map(({ line, known, isRepeated }) =>
      known === null && !isRepeated ? line : { ...line, reference: null },
    ),
  );
  for (const [index, { line, known, isRepeated, booked }] of matched.entries()) {
    const call = named.get(index);
    for (const found of breaksOfLine(line, known, terms.get(line.kind) ?? null, isRepeated))
      await openBreak(trx, {
        ...found,
        psp: file.psp,
        day: file.day,
        naturalKey: line.naturalKey,
        subject: known?.subject ?? call?.subject ?? null,
        attempt: call?.attempt ?? null,
        asset: line.asset,
      });
    if (booked === null || known === null || known.asset !== line.asset) continue;
    const key = `${known.brand}\n${line.asset}`;
    fees.set(key, (fees.get(key) ?? 0n) + line.fee - booked);
  }
}

type Told = {
  /** By a file of another day, or by an earlier page of this one. Earlier versions of the same day are no repeat. */
  readonly isRepeat: boolean;
  /** The fee of the last file that named the line with something that we know. */
  readonly booked: bigint;
};

/** What earlier files, and earlier pages of this one, have told of these lines. */
async function toldBefore(
  trx: Trx,
  file: FileRef,
  page: readonly SettlementLine[],
): Promise<ReadonlyMap<string, Told>> {
  const { rows } = await sql<{ naturalKey: string; isRepeat: boolean; booked: string | null }>`
    select l.natural_key, bool_or(f.day <> ${file.day}::date or l.file_id = ${file.id}) as is_repeat,
      (array_agg(l.fee order by f.fetched_at desc, f.version desc)
        filter (where l.subject is not null and l.file_id <> ${file.id}))[1] as booked
    from payments.settlement_line l join payments.settlement_file f on f.id = l.file_id
    where l.psp = ${file.psp} and l.natural_key = any (${page.map(({ naturalKey }) => naturalKey)}::text[])
    group by 1`.execute(trx);
  return new Map(
    rows.map(({ naturalKey, isRepeat, booked }) => [naturalKey, { isRepeat, booked: BigInt(booked ?? 0) }]),
  );
}

async function storeLines(
  trx: Trx,
  file: FileRef,
  before: number,
  lines: readonly { readonly line: SettlementLine; readonly subject: string | null }[],
): Promise<void> {
  const column = (of: (line: SettlementLine) => string | null) => lines.map(({ line }) => of(line));
  await sql`
    insert into payments.settlement_line
      (file_id, line, psp, natural_key, kind, psp_reference, reference, asset, gross, fee, subject)
    select ${file.id}, ${before} + number, ${file.psp}, natural_key, kind, psp_reference, reference, asset, gross, fee, subject
    from unnest(${column((line) => line.naturalKey)}::text[], ${column((line) => line.kind)}::text[],
      ${column((line) => line.pspReference)}::text[], ${column((line) => line.reference)}::text[],
      ${column((line) => line.asset)}::text[], ${column((line) => line.gross.toString())}::numeric[],
      ${column((line) => line.fee.toString())}::numeric[], ${lines.map(({ subject }) => subject)}::text[])
      with ordinality as l(natural_key, kind, psp_reference, reference, asset, gross, fee, subject, number)`.execute(
    trx,
  );
}

async function countLines(trx: Trx, fileId: string): Promise<number> {
  const { count } = await trx
    .selectFrom('payments.settlementLine')
    .select(sql<bigint>`count(*)`.as('count'))
    .where('fileId', '=', fileId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

async function bookFees(
  trx: Trx,
  file: Pick<FileRef, 'id' | 'psp'>,
  fees: ReadonlyMap<string, bigint>,
): Promise<void> {
  for (const [of, amount] of fees) {
    const [brand = '', asset = ''] = of.split('\n');
    const key = `settlement:${file.id}:fee:${brand}:${asset}`;
    await bookFee(trx, { key, fileId: file.id, psp: file.psp, brand, asset, amount });
  }
}

/** What we believe in and no file has told is missing; what was missing and is told now closes by itself. */
async function compareDay(trx: Trx, psp: string, day: string): Promise<void> {
  await matchNamedLines(trx, psp, true);
  for (const one of await untoldMovements(trx, psp, day)) await openMissing(trx, psp, day, one);
  const { rows } = await sql<{ id: string; naturalKey: string }>`
    select b.id, l.natural_key from payments.reconciliation_break b
    join lateral (select natural_key from payments.settlement_line
      join payments.settlement_file f on f.id = file_id
      where settlement_line.psp = b.psp and subject = b.subject and gross = b.expected and f.fetched_at > b.opened_at
      limit 1) l on true
    where b.psp = ${psp} and b.kind = 'missing' and b.closed_at is null`.execute(trx);
  for (const { id, naturalKey } of rows)
    orThrow(
      await closeBreak(trx, id, {
        proof: { kind: 'later-line', reference: naturalKey },
        resolution: 'told by a later file',
        actor,
      }),
    );
}

const openMissing = (trx: Trx, psp: string, day: string, one: UntoldMovement) =>
  openBreak(trx, {
    psp,
    day,
    kind: 'missing',
    // Several captures of one charge may be missing, and several movements of one dispute.
    naturalKey: [
      one.kind,
      one.pspReference,
      ...(one.captureId === null ? [] : [one.captureId]),
      ...(one.nth > 1 ? [one.nth] : []),
    ].join(':'),
    subject: one.subject,
    asset: one.asset,
    expected: one.gross,
    found: null,
  });

type Unmatched = {
  naturalKey: string;
  pspReference: string;
  asset: string;
  gross: string;
  day: string;
  isLate: boolean;
  bankLineId: string | null;
  paid: string | null;
  account: string | null;
};

/** Payouts of the PSP to our bank against the statements; what is late, or of another amount, is a break. */
async function matchBank(trx: Trx, psp: string): Promise<void> {
  const { rows } = await sql<Unmatched>`
    select distinct on (l.natural_key) l.natural_key, l.psp_reference, l.asset, l.gross, f.day::text as day,
      f.day < (now() at time zone 'UTC')::date - ${bankDays}::int as is_late, b.id as bank_line_id, b.amount as paid, b.account
    from payments.settlement_line l join payments.settlement_file f on f.id = l.file_id
    left join payments.bank_line b
      on ${isNamedBy(sql.ref('l.psp_reference'), { endToEndId: sql.ref('b.end_to_end_id'), words: sql.ref('b.reference') })}
      and b.asset = l.asset and not exists (select 1 from payments.bank_match m where m.bank_line_id = b.id)
    where l.psp = ${psp} and l.kind = 'bank-payout'
      and not exists (select 1 from payments.bank_match m where m.psp = l.psp and m.natural_key = l.natural_key)
    order by l.natural_key, f.version desc, (b.amount = -l.gross) desc nulls last`.execute(trx);
  for (const row of rows) {
    const expected = -BigInt(row.gross);
    if (row.bankLineId !== null && row.paid !== null && BigInt(row.paid) === expected) {
      await trx
        .insertInto('payments.bankMatch')
        .values({ bankLineId: row.bankLineId, psp, naturalKey: row.naturalKey })
        .execute();
      orThrow(
        await bookPspPayout(trx, {
          key: `psp-payout:${psp}:${row.naturalKey}`,
          psp,
          asset: row.asset,
          amount: expected,
          account: (row.account ?? '').replaceAll(/[^A-Za-z0-9-]/g, ''),
          subject: `bank-line:${row.bankLineId}`,
          fingerprint: createHash('sha256').update(`${row.bankLineId}\n${expected}`).digest(),
          actor,
        }),
      );
      const { naturalKey, pspReference, asset } = row;
      await releasePayout(trx, { psp, naturalKey, pspReference, asset, amount: expected });
      await closeBankBreak(trx, psp, row.naturalKey, row.bankLineId);
    } else if (row.bankLineId !== null || row.isLate) {
      await openBreak(trx, {
        psp,
        day: row.day,
        kind: 'bank',
        naturalKey: row.naturalKey,
        subject: null,
        asset: row.asset,
        expected,
        found: row.paid === null ? null : BigInt(row.paid),
      });
    }
  }
}

async function closeBankBreak(trx: Trx, psp: string, naturalKey: string, bankLineId: string): Promise<void> {
  const open = await trx
    .selectFrom('payments.reconciliationBreak')
    .select('id')
    .where('psp', '=', psp)
    .where('kind', '=', 'bank')
    .where('naturalKey', '=', naturalKey)
    .where('closedAt', 'is', null)
    .executeTakeFirst();
  if (open === undefined) return;
  orThrow(
    await closeBreak(trx, open.id, {
      proof: { kind: 'bank-line', reference: bankLineId },
      resolution: 'found on a bank statement',
      actor,
    }),
  );
}
