/** The anchor of the wallet benchmark: one bet per transaction by one PL/pgSQL function, on the same server. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const accounts = 10_000;

const schema = `
create table account (id int primary key, balance numeric(38, 0) not null check (balance >= 0));
create table idempotency (key text primary key, at timestamptz not null default now());
create table journal (id bigint generated always as identity primary key, key text not null, at timestamptz not null default now());
create table entry (journal_id bigint not null, line smallint not null, account int, amount numeric(38, 0) not null, primary key (journal_id, line));
insert into account select i, 1000000000000000000 from generate_series(1, ${accounts}) i;
create function bet(k text, player int, stake numeric) returns text language plpgsql as $$
declare j bigint;
begin
  insert into idempotency (key) values (k) on conflict do nothing;
  if not found then return 'repeated'; end if;
  update account set balance = balance - stake where id = player and balance >= stake;
  if not found then raise exception 'insufficient funds'; end if;
  insert into journal (key) values (k) returning id into j;
  insert into entry values (j, 1, player, -stake), (j, 2, null, stake);
  return 'posted';
end $$;
`;

const script = `\\set player random(1, ${accounts})
\\set high random(1, 9000000000000000000)
select bet(:high::text || ':' || :client_id::text, :player, 1000);
`;

export type AnchorRun = {
  readonly betsPerS: number;
  readonly tookMs: readonly number[];
  readonly tool: string;
};
export type Anchor = {
  readonly run: (connections: number, seconds: number) => Promise<AnchorRun>;
  readonly close: () => Promise<void>;
};

/** Makes a scratch database beside the platform's own; `close` drops it. */
export async function openAnchor(ownerUrl: string): Promise<Anchor> {
  const name = `bench_anchor_${process.pid}`;
  const owner = new pg.Client(ownerUrl);
  await owner.connect();
  await owner.query(`create database ${name}`);
  const url = new URL(ownerUrl);
  url.pathname = `/${name}`;
  const scratch = new pg.Client(url.href);
  await scratch.connect();
  await scratch.query(schema);
  await scratch.query('vacuum analyze');
  await scratch.end();
  const hasPgbench = await run('pgbench', ['--version']).then(
    () => true,
    () => false,
  );
  return {
    run: (connections, seconds) => (hasPgbench ? runPgbench : runInProcess)(url, connections, seconds),
    close: async () => {
      await owner.query(`drop database ${name} with (force)`);
      await owner.end();
    },
  };
}

async function runPgbench(url: URL, connections: number, seconds: number): Promise<AnchorRun> {
  const folder = await mkdtemp(join(tmpdir(), 'pitboss-pgbench-'));
  try {
    await writeFile(join(folder, 'bet.sql'), script);
    const flags = [
      '-n',
      '-M',
      'prepared',
      '-c',
      connections,
      '-j',
      2,
      '-T',
      seconds,
      '-f',
      'bet.sql',
      '-l',
      '--log-prefix=took',
    ];
    const { stdout } = await run('pgbench', [...flags.map(String), url.pathname.slice(1)], {
      cwd: folder,
      env: {
        ...process.env,
        PGHOST: url.hostname,
        PGPORT: url.port,
        PGUSER: decodeURIComponent(url.username),
        PGPASSWORD: decodeURIComponent(url.password),
      },
    });
    const betsPerS = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
    const logs = (await readdir(folder)).filter((file) => file.startsWith('took'));
    const texts = await Promise.all(logs.map((file) => readFile(join(folder, file), 'utf8')));
    const tookMs = texts.flatMap((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => Number(line.split(' ')[2]) / 1_000),
    );
    return { betsPerS, tookMs, tool: 'pgbench' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runInProcess(url: URL, connections: number, seconds: number): Promise<AnchorRun> {
  const clients = Array.from({ length: connections }, () => new pg.Client(url.href));
  await Promise.all(clients.map((client) => client.connect()));
  const tookMs: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  await Promise.all(
    clients.map(async (client) => {
      for (let at = performance.now(); at < endsAt; at = performance.now()) {
        const values = [crypto.randomUUID(), 1 + Math.floor(Math.random() * accounts)];
        await client.query({ name: 'bet', text: 'select bet($1, $2, 1000)', values });
        tookMs.push(performance.now() - at);
      }
    }),
  );
  const tookS = (performance.now() - startedAt) / 1_000;
  await Promise.all(clients.map((client) => client.end()));
  return { betsPerS: tookMs.length / tookS, tookMs, tool: 'in-process clients' };
}
