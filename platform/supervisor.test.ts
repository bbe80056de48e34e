import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeEnvironment, decideEmbedded } from './environment.ts';
import { createDevSecrets, loadDevSecrets } from './dev-secrets.ts';
import { lockHome, openHome } from './home.ts';
import { derivePorts } from './ports.ts';
import { identityOf, isAlive } from './process-identity.ts';
import { clearLeftovers, createSupervisor, type ProcessPlan, type Supervisor } from './supervisor.ts';
import { lockCache } from './temporal-binary.ts';

let home: string;
let told: string[];
let supervisor: Supervisor;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pitboss-home-'));
  told = [];
  supervisor = createSupervisor(home, (line) => told.push(line));
});

afterEach(async () => {
  await supervisor.stopAll([]);
  rmSync(home, { recursive: true, force: true });
});

const plan = (name: string, code: string): ProcessPlan => ({
  name,
  label: `The ${name}`,
  command: process.execPath,
  args: ['-e', code],
  env: { PATH: '' },
  isReady: async () => readFileSync(supervisor.logFile(name), 'utf8').includes('ready'),
  readyTimeoutMs: 5_000,
  stopSignal: 'SIGTERM',
  stopGraceMs: 500,
});

const staysUp = "process.stdout.write('ready\\n'); setInterval(() => {}, 1000);";

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await delay(20);
  expect(condition()).toBe(true);
}

describe('supervisor', () => {
  test('a process that dies comes back, and says so', async () => {
    await supervisor.start(plan('clerk', staysUp));
    const before = supervisor.pids()['clerk'];
    supervisor.kill('clerk', 'SIGKILL');
    await until(() => (supervisor.pids()['clerk'] ?? before) !== before);
    expect(told).toEqual(['The clerk ended with signal SIGKILL; starting it again.']);
  });

  test('whoever keeps a list of the ids hears that one came back under another', async () => {
    await supervisor.start(plan('clerk', staysUp));
    const before = supervisor.pids()['clerk'];
    let listed: number | undefined;
    supervisor.onRevival(() => {
      listed = supervisor.pids()['clerk'];
    });
    supervisor.kill('clerk', 'SIGKILL');
    await until(() => listed !== undefined);
    expect(listed).not.toBe(before);
    expect(listed).toBe(supervisor.pids()['clerk']);
  });

  test('a process that cannot be started again for a while is started when it can', async () => {
    const program = join(home, 'clerk');
    symlinkSync(process.execPath, program);
    await supervisor.start({ ...plan('clerk', staysUp), command: program });
    rmSync(program);
    supervisor.kill('clerk', 'SIGKILL');
    await until(() => told.length === 2);
    expect(told[1]).toBe('The clerk ended with a start that failed; starting it again.');
    symlinkSync(process.execPath, program);
    await until(() => supervisor.pids()['clerk'] !== undefined);
  });

  test('a process that ends while starting is one sentence with the end of its log', async () => {
    await expect(
      supervisor.start(plan('clerk', "console.error('no chair'); process.exit(3)")),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/^The clerk ended while starting \(exit code 3\)/),
      logTail: ['no chair'],
    });
  });

  test('halt keeps it down, resume brings it back, restart makes it new', async () => {
    await supervisor.start(plan('clerk', staysUp));
    const first = supervisor.pids()['clerk'];
    await supervisor.halt('clerk');
    await delay(400);
    expect(supervisor.pids()).toEqual({});
    await supervisor.resume('clerk');
    const second = supervisor.pids()['clerk'];
    await supervisor.restart('clerk');
    expect(new Set([first, second, supervisor.pids()['clerk']]).size).toBe(3);
    expect(told).toEqual([]);
  });

  test('one that ignores the polite signal is ended, and stopping forbids further starts', async () => {
    await supervisor.start(plan('clerk', `process.on('SIGTERM', () => {}); ${staysUp}`));
    const pid = supervisor.pids()['clerk'] ?? 0;
    await supervisor.stopAll([['clerk']]);
    expect(isAlive(pid)).toBe(false);
    await expect(supervisor.start(plan('late', staysUp))).rejects.toThrow('not started any more');
  });

  test('the next start ends what a killed supervisor left, and spares a reused process id', async () => {
    await supervisor.start(plan('clerk', staysUp));
    const pid = supervisor.pids()['clerk'] ?? 0;
    writeFileSync(
      join(home, 'pids', 'stranger'),
      JSON.stringify({ pid: process.pid, identity: `${process.pid}@other`, signal: 'SIGKILL' }),
    );
    await supervisor.halt('clerk').catch(() => {});
    await supervisor.resume('clerk');
    const left = supervisor.pids()['clerk'] ?? 0;
    expect(left).not.toBe(pid);
    const cleared = await clearLeftovers(home, [['clerk']]);
    expect(cleared).toEqual(['clerk']);
    expect(isAlive(left)).toBe(false);
    expect(isAlive(process.pid)).toBe(true);
  });
});

describe('home', () => {
  test('one supervisor at a time; a lock left by a dead one counts for nothing', () => {
    openHome(home);
    const release = lockHome(home);
    expect(() => lockHome(home)).toThrow('already running');
    release();
    // What a killed one leaves: both files, and nobody who holds the lock.
    writeFileSync(
      join(home, 'supervisor.json'),
      JSON.stringify({ pid: process.pid, identity: `${identityOf(process.pid)}-before` }),
    );
    lockHome(home)();
  });

  test('secrets are made once, kept, and closed to others', () => {
    const first = loadDevSecrets(home);
    expect(loadDevSecrets(home)).toEqual(first);
    expect(new Set(first.operators.map(({ email }) => email)).size).toBe(first.operators.length);
    writeFileSync(join(home, 'secrets.json'), '{"half');
    expect(() => loadDevSecrets(home)).toThrow('cannot be read');
  });
});

describe('environment', () => {
  const given = {
    PATH: '/bin',
    DATABASE_URL: 'postgres://o:p@db:1/x',
    PSP_ALPHA_URL: 'http://proxy:1',
    SMTP_URL: '',
  };
  const compose = (environment: Record<string, string>) =>
    composeEnvironment({
      given: environment,
      home,
      ports: derivePorts('28080'),
      secrets: createDevSecrets(),
      embedded: decideEmbedded(environment),
    });

  test('an address given from outside wins and starts nothing of its kind; a bare PSP address is a proxy before ours', () => {
    const embedded = decideEmbedded(given);
    expect(embedded).toMatchObject({ postgres: false, temporal: true, mailbox: true, pspAlpha: true });
    const { databaseUrl, forServices } = compose(given);
    expect(databaseUrl).toBe('postgres://o:p@db:1/x');
    expect(forServices['DATABASE_WRITER_URL']).toMatch(/^postgres:\/\/pitboss_writer:\w+@db:1\/x$/);
    expect(forServices).toMatchObject({
      PSP_ALPHA_URL: 'http://proxy:1',
      TEMPORAL_ADDRESS: '127.0.0.1:27233',
    });
  });

  test('services never see the owner of the database nor the operators’ passwords', () => {
    const { forServices, forSeed } = compose(given);
    expect(forServices).not.toHaveProperty('DATABASE_URL');
    expect(forServices).not.toHaveProperty('SEED_OPERATORS');
    expect(forSeed['DATABASE_URL']).toBe('postgres://o:p@db:1/x');
  });

  test('production names the addresses it misses', () => {
    expect(() => decideEmbedded({ PITBOSS_MODE: 'production', DATABASE_URL: 'x' })).toThrow(
      /^TEMPORAL_ADDRESS, CLICKHOUSE_URL must be set/,
    );
  });

  test('ports move together with PORT, within what a machine has', () => {
    expect(derivePorts(undefined)).toMatchObject({ api: 8080, postgres: 15_432, temporalMetrics: 19_400 });
    expect(derivePorts('18080')).toMatchObject({ temporal: 17_233, apiMetrics: 29_500 });
    for (const port of ['80', '70000', 'many', '1.5']) expect(() => derivePorts(port)).toThrow('PORT is');
    expect(() => derivePorts('10080')).toThrow('browsers refuse');
  });

  test('every PORT has a set of its own ports, none of them among those of outgoing connections', () => {
    const refused = new Set<number>();
    for (let port = 1_024; port <= 65_535; port += 1) {
      let ports: Readonly<Record<string, number>>;
      try {
        ports = derivePorts(String(port));
      } catch {
        refused.add(port);
        continue;
      }
      const { api, ...others } = ports;
      const values = Object.values(others);
      const isSound =
        api === port &&
        new Set([port, ...values]).size === values.length + 1 &&
        values.every((value) => value >= 1_024 && value < 32_768 && value !== 6_000 && value !== 10_080);
      if (!isSound) expect.fail(`PORT ${port}: ${JSON.stringify(ports)}`);
    }
    // Those that browsers refuse to open.
    expect(refused.size).toBe(19);
    expect(refused).toContain(6_000);
  });
});

describe('the lock of the cache', () => {
  const quiet = { update: () => {}, done: () => {}, fail: () => {} };

  test('is waited for while its holder lives', async () => {
    const release = await lockCache(home, quiet);
    const waiting = lockCache(home, quiet);
    expect(await Promise.race([waiting, delay(500, 'waits')])).toBe('waits');
    release();
    (await waiting)();
  });

  test('that cannot be made is named with the ways out', async () => {
    const file = join(home, 'no-folder');
    writeFileSync(file, '');
    await expect(lockCache(join(file, 'pitboss'), quiet)).rejects.toThrow(
      /cannot be written by this user: choose another one with XDG_CACHE_HOME/,
    );
  });
});
