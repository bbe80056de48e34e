/** How each PSP has been doing in the last minutes, counted from the attempts and kept in the process for five seconds. */
import { sql } from 'kysely';
import { healthAttemptsMin, healthWindowMinutes } from '#domain/payments/routing-fields.ts';
import { rememberShortly } from '../short-memory.ts';

export type PspHealth = {
  readonly attempts: bigint;
  /** Approvals among answers, in basis points; null when there are too few answers to say. */
  readonly approvedBps: bigint | null;
  /** Attempts without a certain answer among all, in basis points; null when there are too few. */
  readonly unreachableBps: bigint | null;
};

const ageMsMax = 5_000;
/** Bounds the count on a busy platform: the newest attempts tell the health well enough. */
const attemptsCountedMax = 2_000;

type Counted = { psp: string; attempts: bigint; answers: bigint; approvals: bigint; unreachable: bigint };

/** Of every PSP with an attempt in the window, over all brands: an outage is nobody's own. */
const readHealth = rememberShortly<ReadonlyMap<string, PspHealth>>(ageMsMax, async (db, table) => {
  const counted = await sql<Counted>`
    select psp, count(*) as attempts,
      count(*) filter (where state in ('approved', 'late_approved', 'paid', 'late_paid', 'declined')) as answers,
      count(*) filter (where state in ('approved', 'late_approved', 'paid', 'late_paid')) as approvals,
      count(*) filter (where state in ('unknown', 'not_sent')) as unreachable
    from (
      -- What rules closed before it was sent says nothing about a PSP.
      select psp, state from ${sql.table(table)}
      where started_at > now() - make_interval(mins => ${healthWindowMinutes})
        and (sent_at is not null or state <> 'declined')
      order by started_at desc limit ${attemptsCountedMax}
    ) recent
    group by psp
  `.execute(db);
  return new Map(
    counted.rows.map(({ psp, attempts, answers, approvals, unreachable }) => [
      psp,
      {
        attempts,
        approvedBps: rateOf(approvals, answers),
        unreachableBps: rateOf(unreachable, attempts),
      },
    ]),
  );
});

export const pspHealth = (db: Parameters<typeof readHealth>[0]): ReturnType<typeof readHealth> =>
  readHealth(db, 'payments.attempt');

/** As `pspHealth`, of payouts: a PSP may take money and be unable to pay it. */
export const payoutHealth = (db: Parameters<typeof readHealth>[0]): ReturnType<typeof readHealth> =>
  readHealth(db, 'payments.payout_attempt');

const rateOf = (part: bigint, whole: bigint): bigint | null =>
  whole < BigInt(healthAttemptsMin) ? null : (part * 10_000n) / whole;
