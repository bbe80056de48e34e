/** What the cascade bench proves in the end: the PSPs' own books against our rows, our ledger and our work items. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { z } from 'zod';
import { parseReference } from '#domain/payments/reference.ts';
import type { Platform } from '#platform/platform.ts';
import { callJson } from '#sandbox/demo/http.ts';
import { psps, type Psp, type PspAddresses } from './cascade-fates.ts';
import { storyOf } from './cascade-stories.ts';
import { chargesOfUnsent, unsentQuery } from './unsent-charges.ts';

const booksSchema = z.object({
  movements: z.array(
    z.object({
      kind: z.enum(['charge', 'refund', 'payout', 'dispute', 'dispute_reversal']),
      paymentId: z.string().nullable(),
      reference: z.string().nullable(),
      amount: z.string(),
      currency: z.string(),
    }),
  ),
  payments: z.array(z.object({ id: z.string(), reference: z.string().nullable(), status: z.string() })),
});
type Books = z.infer<typeof booksSchema>;

export type DepositRow = {
  readonly id: string;
  readonly state: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly capturedPsp: string | null;
  readonly hasWorkItem: boolean;
};

/** One line of the proof: a count that has to be zero, or a figure beside it. */
export type Finding = { readonly what: string; readonly count: number; readonly examples: readonly string[] };

export type Proof = {
  readonly figures: readonly string[];
  readonly findings: readonly Finding[];
  /** Of deposits that are examples of a finding. */
  readonly stories: readonly string[];
};

export const readBooks = async (at: PspAddresses): Promise<Record<Psp, Books>> => {
  const read = async (psp: Psp) => [psp, booksSchema.parse(await callJson(`${at[psp]}/_books`))] as const;
  return Object.fromEntries(await Promise.all(psps.map(read))) as Record<Psp, Books>;
};

/** Every card deposit of the platform, and whether a person has it. */
export async function readDeposits(database: pg.Client): Promise<readonly DepositRow[]> {
  const { rows } = await database.query<DepositRow & { amount: string }>(
    `select d.id, d.state, (d.amount / 10000000000)::bigint::text as amount, d.captured_psp as "capturedPsp",
       exists (select from payments.work_item w
         where w.subject = 'deposit:' || d.id and w.closed_at is null) as "hasWorkItem"
     from payments.deposit d where d.method = 'card'`,
  );
  return rows.map((row) => ({ ...row, amount: BigInt(row.amount) }));
}

export async function prove(
  platform: Platform,
  database: pg.Client,
  at: PspAddresses,
  asked: readonly string[],
): Promise<Proof> {
  const books = await readBooks(at);
  const deposits = await readDeposits(database);
  const standing = standingCharges(books);
  const known = new Map(deposits.map((deposit) => [deposit.id, deposit]));
  const netOf = (id: string): bigint =>
    (standing.get(id) ?? []).reduce((sum, { amount }) => sum + amount, 0n);
  const chargesOf = (id: string) => (standing.get(id) ?? []).filter(({ amount }) => amount > 0n);
  const finding = (what: string, bad: readonly string[]): Finding => ({
    what,
    count: bad.length,
    examples: bad.slice(0, 5),
  });
  const idsWhere = (isBad: (deposit: DepositRow) => boolean) => deposits.filter(isBad).map(({ id }) => id);
  const journals = await readCaptures(database);
  const { rows: notSent } = await database.query<{ reference: string }>(unsentQuery);
  const unsent = new Set(notSent.map(({ reference }) => reference));
  const storiesOf = async (ids: readonly string[]): Promise<readonly string[]> => {
    const stories: string[] = [];
    for (const id of new Set(ids)) stories.push(...(await storyOf(database, books, id)));
    return stories;
  };
  const findings = [
    finding(
      'deposits asked for that we do not know',
      asked.filter((id) => !known.has(id)),
    ),
    finding(
      'double charges left standing',
      idsWhere(({ id }) => chargesOf(id).length > 1),
    ),
    finding(
      'charges in the books that no deposit of ours knows',
      [...standing.keys()].filter((id) => !known.has(id)),
    ),
    finding('charges under references that we had called proven not sent', chargesOfUnsent(books, unsent)),
    finding(
      'lost credits: charged, not captured, with nobody',
      idsWhere(({ id, state, hasWorkItem }) => netOf(id) > 0n && state !== 'captured' && !hasWorkItem),
    ),
    finding(
      'captured with a charge of another amount or none',
      idsWhere(({ id, state, amount }) => state === 'captured' && netOf(id) !== amount),
    ),
    finding(
      'captured where the journal does not say so once, of this amount',
      idsWhere(({ id, state, amount }) => (state === 'captured') !== (journals.get(id) === amount)),
    ),
    finding(
      'neither ended nor with a person',
      idsWhere(
        ({ state, hasWorkItem }) =>
          state !== 'captured' && state !== 'failed' && !(state === 'parked' && hasWorkItem),
      ),
    ),
    finding('PSPs whose books differ from our ledger', await ledgerDifferences(database, books)),
    finding('assets whose trial balance is not zero', await unbalanced(database)),
    finding('checks of `npm run verify` that fail', verify(platform)),
  ];
  return {
    figures: [
      `deposits: ${deposits.length}, by state: ${tally(deposits.map(({ state }) => state))}`,
      ...psps.map(
        (psp) =>
          `books of ${psp}: ${tally(books[psp].movements.map(({ kind }) => kind))}; payments ${tally(books[psp].payments.map(({ status }) => status))}`,
      ),
      `payments that were charged more than once on the way: ${[...standing.values()].filter((charges) => charges.length > 1).length}`,
      await figuresOf(database),
    ],
    findings,
    stories: await storiesOf(
      findings
        .flatMap(({ examples }) => examples)
        .map((example) => parseReference(example.split(' ').at(-1) ?? '')?.id ?? example)
        .filter((example) => known.has(example)),
    ),
  };
}

type Standing = { readonly psp: Psp; readonly amount: bigint };

/** What every payment at a PSP has kept of a deposit of ours, by the PSP's books. */
function standingCharges(books: Readonly<Record<Psp, Books>>): Map<string, Standing[]> {
  const standing = new Map<string, Standing[]>();
  for (const psp of psps) {
    const net = new Map<string, bigint>();
    for (const { kind, paymentId, amount } of books[psp].movements) {
      if (paymentId === null || (kind !== 'charge' && kind !== 'refund')) continue;
      net.set(paymentId, (net.get(paymentId) ?? 0n) + BigInt(amount) * (kind === 'charge' ? 1n : -1n));
    }
    const references = new Map(books[psp].payments.map(({ id, reference }) => [id, reference]));
    for (const [paymentId, amount] of net) {
      const named = parseReference(references.get(paymentId) ?? '');
      const id = named?.kind === 'deposit' ? named.id : `${psp}:${paymentId}`;
      standing.set(id, [...(standing.get(id) ?? []), { psp, amount }]);
    }
  }
  return standing;
}

/** Captures in the ledger, in minor units. */
async function readCaptures(database: pg.Client): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await database.query<{ id: string; amount: string }>(
    `select split_part(external_id, ':', 2) as id, (amount / 10000000000)::bigint::text as amount
     from wallet.journal where integration = 'pitboss' and external_id ~ '^deposit:[0-9a-f-]{36}:capture$'`,
  );
  return new Map(rows.map(({ id, amount }) => [id, BigInt(amount)]));
}

/** What a PSP owes us by our clearing account against what its own books say, to the last unit. */
async function ledgerDifferences(
  database: pg.Client,
  books: Readonly<Record<Psp, Books>>,
): Promise<readonly string[]> {
  const { rows } = await database.query<{ account: string; owed: string }>(
    `select account, (-sum(amount))::text as owed from wallet.entry
     where player_id is null and asset = 'EUR' and account ~ '^psp:[a-z]+:clearing$' group by account`,
  );
  const owed = new Map(rows.map((row) => [row.account, BigInt(row.owed)]));
  return psps.flatMap((psp) => {
    const sign = { charge: 1n, refund: -1n, payout: -1n, dispute: -1n, dispute_reversal: 1n };
    const theirs =
      books[psp].movements.reduce((sum, { kind, amount }) => sum + sign[kind] * BigInt(amount), 0n) *
      10n ** 10n;
    const ours = owed.get(`psp:${psp}:clearing`) ?? 0n;
    return ours === theirs ? [] : [`${psp}: ours ${ours}, theirs ${theirs}`];
  });
}

async function unbalanced(database: pg.Client): Promise<readonly string[]> {
  const { rows } = await database.query<{ asset: string; balance: string }>(
    'select asset, sum(balance)::text as balance from wallet.trial_balance group by asset having sum(balance) <> 0',
  );
  return rows.map(({ asset, balance }) => `${asset}: ${balance}`);
}

async function figuresOf(database: pg.Client): Promise<string> {
  const { rows } = await database.query<{ attempts: string; refunds: string; items: string }>(
    `select (select string_agg(state || ' ' || n, ', ' order by state) from
         (select state, count(*) as n from payments.attempt group by state) a) as attempts,
       (select coalesce(string_agg(state || ' ' || n, ', '), 'none') from
         (select state, count(*) as n from payments.refund group by state) r) as refunds,
       (select coalesce(string_agg(kind || ' ' || n, ', '), 'none') from
         (select kind, count(*) as n from payments.work_item where closed_at is null group by kind) w) as items`,
  );
  const [row] = rows;
  return `attempts: ${row?.attempts}; refunds: ${row?.refunds}; open work items: ${row?.items}`;
}

function verify(platform: Platform): readonly string[] {
  const script = fileURLToPath(new URL('../platform/verify.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
    env: { ...platform.environment, PITBOSS_HOME: platform.home },
    encoding: 'utf8',
  });
  return status === 0 ? [] : [`${stdout}${stderr}`.trim()];
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([word, count]) => `${word} ${count}`)
    .join(', ');
}
