/** A large settlement file, read by the real parser and matched in the real database: how long, and with how much memory. */
import pg from 'pg';
import type { Platform } from '#platform/platform.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { startChild } from './child.ts';
import type { ReconcileOrder, Reconciliation } from './reconcile-file.ts';
import { verdict } from './statistics.ts';

const linesDefault = 100_000;
const secondsMax = 60;
/** A tenth of the file, to show what a small one needs: growth beyond it would be growth with the file. */
const smallShare = 10;
const growthMax = 1.5;
const psp = 'alpha';
/** With room to spare nothing is collected, and garbage looks like what is held. */
const nodeArgs = ['--expose-gc', '--max-old-space-size=96'];

export const reconciliation: Bench = {
  summary: 'a settlement file against our books, seconds and resident memory: [lines]',
  run: ([lines]) => onPlatform((platform) => measure(platform, Number(lines ?? linesDefault))),
};

async function measure(platform: Platform, lines: number): Promise<readonly string[]> {
  const database = new pg.Client(platform.runJson.postgres.owner);
  await database.connect();
  // Beside the API's, its own processes would answer for other work.
  for (const name of ['api', 'worker', 'relay', 'analytics']) await platform.halt(name);
  try {
    const small = await reconcile(platform, database, '2026-01-10', Math.ceil(lines / smallShare));
    const large = await reconcile(platform, database, '2026-01-11', lines);
    return report(small, large);
  } finally {
    await database.end();
  }
}

async function reconcile(
  platform: Platform,
  database: pg.Client,
  day: string,
  lines: number,
): Promise<Reconciliation & { readonly lines: number; readonly broken: number }> {
  const broken = Math.min(10, lines);
  const { fileId, bytes } = await makeFile(database, day, lines, broken);
  const child = startChild('./reconcile-file.ts', platform.environment, nodeArgs);
  const order: ReconcileOrder = { fileId, psp };
  child.send(order);
  const result = (await child.next()) as Reconciliation;
  await child.end();
  if (result.lines !== lines) throw new Error(`${result.lines} of ${lines} lines were taken.`);
  if (result.openBreaks !== broken) throw new Error(`${result.openBreaks} breaks instead of ${broken}.`);
  console.log(
    `${lines} lines (${(bytes / 2 ** 20).toFixed(1)} MiB): ${result.tookS.toFixed(1)} s, ${result.openBreaks} breaks as planted, resident ${result.beforeMiB.toFixed(0)} MiB before, ${result.peakMiB.toFixed(0)} MiB at most`,
  );
  return { ...result, lines, broken };
}

/** Captured deposits with one charge each, and a file in Stripe's words that tells them; some lines with another amount. */
async function makeFile(
  database: pg.Client,
  day: string,
  lines: number,
  broken: number,
): Promise<{ readonly fileId: string; readonly bytes: number }> {
  await database.query('begin');
  // What a deposit goes through on its way is not measured here.
  await database.query(`set local session_replication_role = replica`);
  await database.query(
    `with made as (
       select gen_random_uuid() as id, gen_random_uuid() as player_id, n from generate_series(1, $2::int) n
     ), deposits as (
       insert into payments.deposit (id, player_id, brand, jurisdiction, jurisdiction_version, method, asset, amount, state,
         options, route_version, return_url, fingerprint, captured_psp, captured_attempt, first, requested_at, captured_at)
       select id, player_id, 'aurora', 'MT', 1, 'card', 'EUR', (100 + n % 9000) * 10000000000::numeric, 'captured',
         '[]', 1, 'https://shop.example/', '\\x00', '${psp}', 1, true, $1::date + time '10:00', $1::date + time '10:00'
       from made
     )
     insert into payments.attempt (deposit_id, number, psp, reference, token, state, psp_reference, processed_asset,
       processed_amount, return_token, started_at, sent_at, resolved_at)
     select id, 1, '${psp}', 'deposit:' || id || ':a1', 'pm_bench', 'approved', 'pi_' || replace(id::text, '-', ''), 'EUR',
       (100 + n % 9000) * 10000000000::numeric, 'bench-' || id, $1::date + time '10:00', $1::date + time '10:00', $1::date + time '10:00'
     from made`,
    [day, lines],
  );
  const { rows } = await database.query<{ id: string; bytes: number }>(
    `with told as (
       select row_number() over (order by a.reference) as n, a.psp_reference, a.reference,
         (a.processed_amount / 10000000000)::bigint as minor
       from payments.attempt a where a.psp = '${psp}' and a.resolved_at = $1::date + time '10:00'
     ), planted as (
       -- The fee is that of the planted amount: a line is wrong in one thing.
       select n, psp_reference, reference, minor + case when n <= $2 then 1 else 0 end as minor from told
     ), lines as (
       select n, format('txn_%s,eur,%s,%s,charge,ch_%s,%s,%s', psp_reference,
         round(minor / 100.0, 2), round((minor * 140 / 10000 + 25) / 100.0, 2), n, psp_reference, reference) as line
       from planted
     ), content as (
       select 'balance_transaction_id,currency,gross,fee,reporting_category,source_id,payment_intent_id,payment_metadata[reference]'
         || E'\\n' || string_agg(line, E'\\n' order by n) || E'\\n' as content from lines
     )
     insert into payments.settlement_file (psp, day, version, name, sha256, content)
     select '${psp}', $1::date, 1, 'bench.csv', sha256(convert_to(content, 'UTF8')), content from content
     returning id, octet_length(content) as bytes`,
    [day, broken],
  );
  await database.query('commit');
  await database.query('vacuum analyze payments.attempt');
  await database.query('vacuum analyze payments.deposit');
  const [file] = rows;
  if (file === undefined) throw new Error('No file was made.');
  return { fileId: file.id, bytes: file.bytes };
}

type Measured = Reconciliation & { readonly lines: number };

const grownMiB = ({ peakMiB, beforeMiB }: Measured): number => peakMiB - beforeMiB;

const report = (small: Measured, large: Measured): readonly string[] => [
  `resident memory grew by ${grownMiB(small).toFixed(0)} MiB for ${small.lines} lines and by ${grownMiB(large).toFixed(0)} MiB for ${large.lines}`,
  verdict(`seconds for ${large.lines} lines`, large.tookS, { atMost: secondsMax }, ' s'),
  verdict(`peak memory, ${large.lines} lines ÷ ${small.lines} lines`, large.peakMiB / small.peakMiB, {
    atMost: growthMax,
  }),
];
