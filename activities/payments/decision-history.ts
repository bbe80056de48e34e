/**
 * The decisions that rules of payments have made, as a history that conditions and versions are asked on: where each set
 * keeps its own, and what its outcomes come to. PostgreSQL is asked as the reader, ClickHouse where it has all of them.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { sql } from 'kysely';
import { z } from 'zod';
import {
  askDecisions,
  countDecisions,
  fitsClickHouse,
  type AskedDecisions,
  type DecisionRange,
} from '#analytics/queries/rule-decisions.ts';
import type { Database, Trx } from '#db/connect.ts';
import {
  readEligibility,
  readPayoutRouting,
  readRouting,
  readThreeDs,
  type DecisionSetName,
} from '#domain/backoffice/rule-sets.ts';
import { fail, FailureError, type Result } from '#domain/failures.ts';
import { narrowestOffer } from '#domain/payments/eligibility.ts';
import type { RoutingOutcome } from '#domain/payments/routing.schema.ts';
import { defaultWish, strongestWish, wishWords } from '#domain/payments/three-ds.ts';
import type { CompiledDecision } from '#domain/rules/decide.ts';
import type { SplitOf } from '#domain/rules/decision-sql.ts';
import type { Field } from '#domain/rules/catalogue.ts';
import type { ResultOf } from '#domain/rules/replay.ts';
import { storedInPostgres } from '#domain/rules/stored-facts-sql.ts';

/** What is asked: the reader's connections and ClickHouse. */
export type HistoryDeps = {
  /** Reader role, with a timeout of its own. */
  readonly reportDb: Database;
  readonly clickhouse: ClickHouseClient;
};

/** How a rule set's decisions are decided again. */
type Deciding<O> = {
  readonly read: (content: unknown) => Result<CompiledDecision<O>>;
  readonly splitOf: SplitOf<O>;
  readonly resultOf: ResultOf<O>;
};

const routing = (read: Deciding<RoutingOutcome>['read']): Deciding<RoutingOutcome> => ({
  read,
  splitOf: ({ split }) => {
    let end = 0;
    return split.map(({ shareBps }) => (end += shareBps));
  },
  resultOf: ([outcome], share) => outcome?.split[share]?.psps ?? [],
});

/** Called with what belongs together, so that each set keeps its own type of outcomes. */
export function decidingOf<T>(ruleSet: DecisionSetName, use: <O>(deciding: Deciding<O>) => T): T {
  switch (ruleSet) {
    case 'payments.deposit-routing':
      return use(routing(readRouting));
    case 'payments.payout-routing':
      return use(routing(readPayoutRouting));
    case 'payments.three-ds':
      return use({
        read: readThreeDs,
        splitOf: () => [],
        resultOf: (wishes) => wishWords(strongestWish(wishes) ?? defaultWish),
      });
    case 'payments.method-eligibility':
      return use({
        read: readEligibility,
        splitOf: () => [],
        resultOf: (outcomes) => [narrowestOffer(outcomes)],
      });
  }
}

type Source = {
  readonly table: string;
  /** Brings in `p.player_id`. */
  readonly join: string;
  readonly payment: string;
  readonly seed: string;
  readonly was: string;
};

const ofDeposit = {
  join: 'join payments.deposit p on p.id = d.deposit_id',
  payment: 'd.deposit_id',
  seed: 'd.deposit_id::text',
};

/** Our own words, never a user's. */
const sources: Readonly<Record<DecisionSetName, Source>> = {
  'payments.deposit-routing': { ...ofDeposit, table: 'payments.routing_decision', was: 'd.psps' },
  'payments.payout-routing': {
    table: 'payments.payout_routing_decision',
    join: 'join payments.withdrawal p on p.id = d.withdrawal_id',
    payment: 'd.withdrawal_id',
    seed: `d.withdrawal_id || ':' || d.leg`,
    was: 'd.psps',
  },
  'payments.three-ds': {
    ...ofDeposit,
    table: 'payments.three_ds_decision',
    was: `array[(d.wish ->> 'want') || coalesce(' ' || (d.wish ->> 'exemption'), ''),
      (d.wish ->> 'whenUnavailable') || ' when unavailable']`,
  },
  'payments.method-eligibility': {
    table: 'payments.eligibility_decision',
    join: 'cross join lateral (select d.player_id) p(player_id)',
    payment: 'd.payment_id',
    seed: 'd.id::text',
    was: 'array[d.offer]',
  },
};

/** The newest of a period that PostgreSQL is asked about; what ClickHouse holds is asked whole. */
const inPostgresMax = 200_000;
/** Fewer decisions than this are counted where they are kept, without asking elsewhere whether all are there. */
export const clickHouseFrom = 5_000;

export type History = DecisionRange & {
  readonly ruleSet: DecisionSetName;
  readonly decisions: number;
  /** Older decisions of the period are left out. */
  readonly isCapped: boolean;
  readonly backEnd: 'postgres' | 'clickhouse';
};

/** The question in the words of both; null where one of the fields stays in the primary database. */
export type HistoryQuestion = {
  readonly fields: readonly Field[];
  /** Its parameters begin at `$6`. */
  readonly postgres: Pick<AskedDecisions, 'columns'> & { readonly parameters: readonly unknown[] };
  readonly clickhouse: Pick<AskedDecisions, 'columns' | 'parameters'> | null;
};

export const parameterFirst = 6;

/**
 * Which decisions of the last days are asked, and where: in ClickHouse if there are many, it knows every field, and it holds
 * as many as PostgreSQL. A brand's history before ClickHouse heard of decisions, or with the relay behind, is asked here.
 */
export async function historyOf(
  { reportDb, clickhouse }: HistoryDeps,
  question: HistoryQuestion,
  {
    ruleSet,
    brand,
    days,
  }: { readonly ruleSet: DecisionSetName; readonly brand: string; readonly days: number },
  largeFrom: number,
): Promise<History> {
  const { table } = sources[ruleSet];
  const { rows } = await bounded(() =>
    sql<{ from: string; until: string; decisions: bigint }>`
      with range as (select now() - make_interval(days => ${days}) as starts, now() as ends)
      select to_char(starts at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as from,
        to_char(ends at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as until,
        (select count(*) from ${sql.raw(table)} d
         where brand = ${brand} and rule_version_id is not null and decided_at > starts and decided_at <= ends) as decisions
      from range`.execute(reportDb),
  );
  const [row] = rows;
  if (row === undefined) throw new Error('Invariant broken: a count has a row');
  const decisions = Number(row.decisions);
  const range = { ruleSet, brand, from: row.from, until: row.until };
  const isOffered = question.clickhouse !== null && fitsClickHouse(question.clickhouse);
  const isThere =
    isOffered && decisions >= largeFrom && (await countedThere(clickhouse, range)) === decisions;
  return isThere
    ? { ...range, decisions, isCapped: false, backEnd: 'clickhouse' }
    : { ...range, decisions, isCapped: decisions > inPostgresMax, backEnd: 'postgres' };
}

/** Null where ClickHouse is away, or does not know such decisions yet: PostgreSQL has them all. */
const countedThere = (clickhouse: ClickHouseClient, range: DecisionRange): Promise<number | null> =>
  countDecisions(clickhouse, range).catch(() => null);

/** What is asked of the rows, in words that both databases read. */
export type Asked = {
  readonly select: string;
  readonly more: string;
  /** A list of texts that `more` may use: `$1` of PostgreSQL, `{keys: Array(String)}` of ClickHouse. */
  readonly keys?: readonly string[];
};

/** The same question in the back end of the history. Failures, thrown: `overloaded` after 20 seconds, `rule-invalid`. */
export async function askHistory<T>(
  { reportDb, clickhouse }: HistoryDeps,
  history: History,
  question: HistoryQuestion,
  asked: { readonly postgres: Asked; readonly clickhouse: Asked },
  row: z.ZodType<T>,
): Promise<readonly T[]> {
  const rows = z.array(row);
  if (history.backEnd === 'clickhouse' && question.clickhouse !== null) {
    const { select, more, keys } = asked.clickhouse;
    const about = { ...question.clickhouse, range: history, fields: question.fields };
    return rows.parse(
      await askDecisions(clickhouse, about, [select, more], keys === undefined ? {} : { keys: [...keys] }),
    );
  }
  return rows.parse(await bounded(() => askPostgres(reportDb, history, question, asked.postgres)));
}

async function askPostgres(
  db: Database,
  { ruleSet, brand, from, until }: History,
  { fields, postgres }: HistoryQuestion,
  { select, more, keys = [] }: Asked,
): Promise<readonly unknown[]> {
  const { table, join, payment, seed, was } = sources[ruleSet];
  // The newest are chosen before their facts are opened, which is what costs.
  const chosen = `select d.inputs, d.decided_at, ${payment} as payment_id, p.player_id, ${seed} as seed, ${was} as was
    from ${table} d ${join}
    where d.brand = $2 and d.rule_version_id is not null
      and d.decided_at > $3::timestamp at time zone 'UTC' and d.decided_at <= $4::timestamp at time zone 'UTC'
    order by d.decided_at desc limit $5::int`;
  // Conditions read the facts, so what they make is made where those are in sight.
  const [first, ...others] = postgres.columns;
  const opened = `select d.payment_id, d.player_id, d.seed, d.was,
      lpad((extract(epoch from d.decided_at) * 1000000)::bigint::text, 20, '0') || ' ' || d.seed as place
      ${first === undefined ? '' : `, ${first[1]} as ${first[0]}`}
    from (${chosen}) d ${storedInPostgres(fields, 'd.inputs')}`;
  const made = others.reduce(
    (inner, [name, column]) => `select x.*, ${column} as ${name} from (${inner}) x`,
    opened,
  );
  const text = `select ${select} from (${made}) h ${more}`;
  return db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx: Trx) => {
      // Conditions of a long table are many small steps, which compiling would only delay.
      await sql`set local jit = off`.execute(trx);
      return rawQuery(trx, text, [[...keys], brand, from, until, inPostgresMax, ...postgres.parameters]);
    });
}

/** The text has numbered parameters already, as the rule's compiler wrote them. */
async function rawQuery(trx: Trx, text: string, parameters: readonly unknown[]): Promise<readonly unknown[]> {
  const pieces = text.split(/\$(\d+)(?!\d)/);
  const fragments = pieces.map((piece, index) =>
    index % 2 === 0 ? sql.raw(piece) : sql`${parameters[Number(piece) - 1]}`,
  );
  const { rows } = await sql`${sql.join(fragments, sql.raw(''))}`.execute(trx);
  return rows;
}

/** A statement that ran into its timeout, or that a stored value does not fit, is the asker's matter. */
async function bounded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === '57014')
      throw new FailureError(
        fail('overloaded', 'The history takes too long to read; ask for fewer days.', { retryAfterS: 30 })
          .failure,
      );
    if (code === '22P02' || code === '22003')
      throw new FailureError(fail('rule-invalid', 'Stored inputs do not fit the fields of today.').failure);
    throw error;
  }
}

/** Of a place in the history, which begins with microseconds. */
export const timeOf = (place: string): Date => new Date(Math.floor(Number(place.slice(0, 20)) / 1_000));
