/**
 * `npm test`: all that CI runs, side by side. The tests, those that wait before those that work (`vitest.config.ts`); the
 * end-to-end tests, which mostly wait; and the checks, in order of how soon they tell something, which take the processor
 * time that the others leave. Every step runs even when another failed, so that one run shows everything; the last line
 * sums checks and tests. `--fast` leaves out what needs servers, `--without-test-server` skips the workflow tests on a
 * machine that cannot have the server that skips time.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BringUpFailure } from '#platform/bring-up-failure.ts';
import { joinPrograms } from '#platform/joined-programs.ts';
import { plainProgress } from '#platform/progress.ts';
import { sayIfDisk } from '#platform/room-on-disk.ts';
import { findTemporalBinary } from '#platform/temporal-binary.ts';
import { requireRoomForRun } from './room-for-run.ts';
import { endProcessesOf } from './support/left-processes.ts';
import { runAsAdmin, withDatabase } from './support/postgres-server.ts';
import { groundVariables, startGround, type RunGround } from './support/run-ground.ts';
import { makeStripeMock } from './support/stripe-mock.ts';
import { countTests, type Tally, type VitestReport } from './run-tally.ts';

type Step = {
  readonly name: string;
  readonly args: readonly string[];
  /** Put before every line of a step that runs beside others. */
  readonly prefix?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Takes only the processor time that the other steps leave. */
  readonly isPatient?: boolean;
};

type Check = Pick<Step, 'name' | 'args' | 'environment'> & { readonly when?: boolean };

type Ground = Awaited<ReturnType<typeof startGround>>;

const root = fileURLToPath(new URL('../', import.meta.url));
const inModules = (path: string): string => join(root, 'node_modules', path);

/**
 * Both programs are written in Go. On several threads each would work out the same types in every one of them: a third of
 * their processor time. And Go collects its garbage as if memory were short.
 */
const oneThread = { GOMAXPROCS: '1', GOGC: '300' };

/** Those of one row run side by side. */
const checks: readonly (readonly Check[])[] = [
  [{ name: 'format', args: [inModules('oxfmt/bin/oxfmt'), '--check', '.'] }],
  [
    {
      name: 'lint',
      args: [inModules('oxlint/bin/oxlint'), '--quiet'],
      environment: oneThread,
    },
    {
      name: 'types',
      args: [inModules('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json', '--singleThreaded'],
      environment: oneThread,
    },
  ],
  [
    {
      name: 'types of the web',
      args: [inModules('typescript/bin/tsc'), '--noEmit', '-p', 'web/tsconfig.json'],
      when: existsSync(join(root, 'web/tsconfig.json')),
    },
  ],
  [{ name: 'unused code', args: [inModules('knip/bin/knip.js'), '--no-progress'] }],
];
const generatedFiles: Check = { name: 'generated files', args: ['platform/generate.ts', '--check'] };

/** Nobody shall believe that workflows were tested who has not said that they need not be. */
const isTestServerRequired = !process.argv.includes('--without-test-server');
const lastWordsMs = 2_000;
/** As a shell says it of a program that a signal has ended. */
const interruptedCode = 130;
const leastUrgent = ['nice', '-n', '19'];

try {
  process.exitCode = await main(process.argv.includes('--fast'));
} catch (error) {
  const said = sayIfDisk(error, tmpdir());
  if (!(said instanceof BringUpFailure)) throw said;
  say(`\n${said.message}`);
  process.exitCode = 1;
}

async function main(isFast: boolean): Promise<number> {
  const hasOwnServer = process.env['PITBOSS_TEST_POSTGRES_URL'] !== undefined;
  requireRoomForRun(tmpdir(), { isFast, hasOwnServer });
  const total: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };
  if (isFast) {
    const checking = runChecks(total, null);
    add(total, await runTests('tests', ['unit'], null));
    await checking;
  } else await runEverything(total);
  if (total.failures.length > 0)
    say(`\nFailed:\n${total.failures.map((failure) => `  ✗ ${failure}`).join('\n')}`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  say(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
  return total.failed === 0 ? 0 : 1;
}

async function runEverything(total: Tally): Promise<void> {
  const laying = layGround();
  let leaving: Promise<void> | undefined;
  // The same signal comes twice: from the terminal, and passed on by the process that has started this one.
  const leave = (): void => {
    leaving ??= laying.then(leaveGround).finally(() => process.exit(interruptedCode));
  };
  process.on('SIGINT', leave).on('SIGTERM', leave);
  const checking = runChecks(total, laying);
  // Made from source it takes minutes, on a machine's first run; the checks go on meanwhile.
  await Promise.all([haveTemporal(), haveStripeMock(), havePrograms()]);
  const ground = await laying;
  try {
    const runs = [
      runTests('tests', ['unit', 'database', 'workflows', 'replay'], ground),
      runTests('end-to-end tests', ['e2e'], ground, 'e2e │ '),
    ];
    for (const tally of await Promise.all(runs)) add(total, tally);
    await checking;
  } finally {
    process.off('SIGINT', leave).off('SIGTERM', leave);
    await leaveGround(ground);
  }
}

async function leaveGround(ground: Ground | null): Promise<void> {
  if (ground === null) return;
  endProcessesOf(ground.runFolder);
  await ground.stop();
}

async function runChecks(total: Tally, laying: Promise<RunGround | null> | null): Promise<void> {
  for (const row of checks) await Promise.all(row.map((check) => runCheck(check, total)));
  const environment = await migratedDatabase(await laying);
  await runCheck({ ...generatedFiles, environment }, total);
}

/** A copy of the template, which nobody may be connected to while others copy it; without one the check makes its own. */
async function migratedDatabase(ground: RunGround | null): Promise<Readonly<Record<string, string>>> {
  if (ground === null) return {};
  const { adminUrl, template, databasePrefix } = ground.testPostgres;
  const name = `${databasePrefix}_schema`;
  try {
    await runAsAdmin(adminUrl, `create database ${name} template ${template}`);
  } catch (error) {
    say(`\nThe template could not be copied for the check of generated files: ${String(error)}`);
    return {};
  }
  return { PITBOSS_MIGRATED_DATABASE_URL: withDatabase(adminUrl, name) };
}

async function runCheck({ when, ...check }: Check, total: Tally): Promise<void> {
  if (when === false) return;
  const code = await runStep({ ...check, prefix: `${check.name} │ `, isPatient: true });
  if (code === 0) total.passed += 1;
  else {
    total.failed += 1;
    total.failures.push(`${check.name} (exit code ${code})`);
  }
}

/** No test should spend its time on making the server. Where none can be had, the tests that need it say why. */
async function haveTemporal(): Promise<void> {
  const progress = plainProgress(process.stdout);
  const step = progress.step('Temporal server');
  try {
    const { source } = await findTemporalBinary(process.env, step);
    step.done(source);
  } catch {
    step.fail();
  } finally {
    progress.close();
  }
}

/** Without it each vitest run lays its own, and says why it cannot. */
async function layGround(): Promise<Ground | null> {
  return startGround().catch((error: unknown) => {
    say(`\nWhat the tests stand on could not be started: ${String(error)}`);
    return null;
  });
}

/** Without them the tests run the sources. */
async function havePrograms(): Promise<void> {
  await joinPrograms().catch((error: unknown) => say(`\nThe programs could not be joined: ${String(error)}`));
}

/** The check of what is sent to Stripe is skipped where this cannot be had. */
async function haveStripeMock(): Promise<void> {
  const made = await makeStripeMock(process.env);
  if ('reason' in made) say(`\nstripe-mock could not be had, its check is skipped: ${made.reason}`);
}

/** One vitest run. */
async function runTests(
  name: string,
  projects: readonly string[],
  ground: RunGround | null,
  prefix?: string,
): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-test-report-'));
  const outFile = join(folder, 'report.json');
  const args = [
    inModules('vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${outFile}`,
    ...projects.map((project) => `--project=${project}`),
  ];
  try {
    const environment = ground === null ? {} : groundVariables(ground);
    const code = await runStep({ name, args, environment, ...(prefix === undefined ? {} : { prefix }) });
    const report = existsSync(outFile) ? (JSON.parse(readFileSync(outFile, 'utf8')) as VitestReport) : null;
    return countTests(report, code, (path) => relative(root, path));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runStep({ name, args, prefix, environment, isPatient }: Step): Promise<number> {
  say(`\n▸ ${name}`);
  const startedMs = performance.now();
  const code = await new Promise<number>((resolve) => {
    const node = [process.execPath, ...args];
    const [command = '', ...rest] = isPatient === true ? [...leastUrgent, ...node] : node;
    const child = spawn(command, rest, {
      cwd: root,
      stdio: prefix === undefined ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_ENV: 'test',
        ...environment,
        ...(isTestServerRequired ? { PITBOSS_REQUIRE_TEST_SERVER: '1' } : {}),
      },
    });
    if (prefix !== undefined) sayLinesOf(child, prefix);
    child.once('error', () => resolve(127));
    child.once('exit', (exitCode) => {
      const end = () => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(exitCode ?? 1);
      };
      // A process that a test has left behind may hold the other end of the pipe for ever.
      const patience = setTimeout(end, lastWordsMs);
      child.once('close', () => {
        clearTimeout(patience);
        end();
      });
    });
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)`);
  return code;
}

function sayLinesOf(child: ChildProcess, prefix: string): void {
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => say(prefix + line));
}

function add(total: Tally, more: Tally): void {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
  total.failures.push(...more.failures);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
