/** The whole platform on one machine, started and watched over by this process; `npm start` and the tests share it. */
import { setTimeout as delay } from 'node:timers/promises';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ConfigFailure } from '#workers/config-failure.ts';
import { loadConfig, type Config, type Environment } from '#workers/config.ts';
import { BringUpFailure } from './bring-up-failure.ts';
import { prepareCardVault } from './card-vault.ts';
import { loadDevSecrets, writePrivately, type DevSecrets } from './dev-secrets.ts';
import {
  composeEnvironment,
  decideEmbedded,
  type Embedded,
  type PlatformEnvironment,
} from './environment.ts';
import { lockHome, openHome, resolveHome } from './home.ts';
import { joinPrograms, programPath } from './joined-programs.ts';
import { sizeBytes } from './log-file.ts';
import { requireFreePorts } from './port-holder.ts';
import { derivePorts, type PortName, type Ports } from './ports.ts';
import { ensureDatabase, preparePostgres, waitForPostgres } from './postgres.ts';
import {
  analyticsPlan,
  bankPlan,
  apiPlan,
  bare,
  chainNodePlan,
  chainPlan,
  chainSignerPlan,
  chainWatcherPlan,
  gameStudioPlan,
  kycVendorPlan,
  mailboxPlan,
  oddsFeedPlan,
  pspAlphaPlan,
  pspBetaPlan,
  pspGammaPlan,
  relayPlan,
  stopOrder,
  workerPlan,
} from './process-plans.ts';
import { silentProgress, type Progress, type Step } from './progress.ts';
import { sayIfDisk } from './room-on-disk.ts';
import { createRunJson, type RunJson } from './run-json.ts';
import { runScript } from './run-script.ts';
import { clearLeftovers, createSupervisor, type ProcessPlan, type Supervisor } from './supervisor.ts';
import { findTemporalBinary } from './temporal-binary.ts';
import { isTemporalReady, prepareTemporal, registerAt } from './temporal.ts';
import { bundleWorkflowsOnce } from './workflow-bundle.ts';

export interface PlatformOptions {
  readonly environment: Environment;
  readonly progress?: Progress;
  /** Hears of deaths and restarts after the start. */
  readonly tell?: (line: string) => void;
  /** Gives up a start that is still under way. */
  readonly signal?: AbortSignal;
}

export interface Platform {
  readonly home: string;
  readonly runJson: RunJson;
  /** What our own processes were given, for tools that act beside them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names as in `runJson.pids`. What dies comes back by itself. */
  kill(name: string, signal?: NodeJS.Signals): void;
  /** Stops gracefully, starts again, resolves when ready. */
  restart(name: string): Promise<void>;
  /** Takes a process down until `resume`. */
  halt(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  stop(): Promise<void>;
  /** Ends everything at once, as a power cut would. */
  killAll(): void;
}

interface Frame {
  readonly home: string;
  readonly given: Environment;
  readonly ports: Ports;
  readonly embedded: Embedded;
  readonly secrets: DevSecrets | undefined;
  readonly env: PlatformEnvironment;
  readonly config: Config;
  readonly progress: Progress;
  readonly supervisor: Supervisor;
}

/** Together three seconds: longer than the largest process takes to be gone after SIGKILL. */
const portTries = 12;
const portPauseMs = 250;

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const home = resolveHome(options.environment);
  try {
    return await startIn(home, options);
  } catch (error) {
    throw sayIfDisk(error, home);
  }
}

async function startIn(home: string, options: PlatformOptions): Promise<Platform> {
  const given = options.environment;
  const progress = options.progress ?? silentProgress;
  const ports = derivePorts(given['PORT']);
  const embedded = decideEmbedded(given);
  openHome(home);
  const release = lockHome(home);
  const supervisor = createSupervisor(home, options.tell ?? (() => {}));
  try {
    const left = await clearLeftovers(home, stopOrder);
    if (left.length > 0) progress.note(`Ended what an earlier start had left running: ${left.join(', ')}.`);
    await waitForFreePorts(portsInUse(ports, embedded), ports);
    const secrets = given['PITBOSS_MODE'] === 'production' ? undefined : loadDevSecrets(home);
    const env = composeEnvironment({ given, home, ports, secrets, embedded });
    const config = checkedConfig(env);
    const frame: Frame = { home, given, ports, embedded, secrets, env, config, progress, supervisor };
    await Promise.race([bringUp(frame), givenUp(options.signal)]);
    return publish(frame, release);
  } catch (error) {
    await supervisor.stopAll(stopOrder);
    release();
    throw error;
  }
}

/** A process that was killed a moment ago may still be letting go of its port: that is waited for, a stranger is not. */
async function waitForFreePorts(...wanted: Parameters<typeof requireFreePorts>): Promise<void> {
  for (let tries = 0; tries < portTries; tries += 1) {
    try {
      return await requireFreePorts(...wanted);
    } catch (error) {
      if (!(error instanceof BringUpFailure)) throw error;
      await delay(portPauseMs);
    }
  }
  await requireFreePorts(...wanted);
}

function givenUp(signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new BringUpFailure('Stopped before everything was ready.'));
  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  return promise;
}

/** Engines, schema and workflow bundle side by side; then data; then the processes that need all of it. */
async function bringUp(frame: Frame): Promise<void> {
  const joining = joinOurPrograms(frame);
  await Promise.all([
    startDatabase(frame).then(async () => {
      await joining;
      await seedDatabase(frame);
    }),
    startTemporal(frame),
    bundleWorkflows(frame),
    joining.then(() => Promise.all([startAnalytics(frame), startCounterparties(frame)])),
  ]);
  const { env, ports } = frame;
  await Promise.all([
    startCardVault(frame),
    startStep(frame, 'API', apiPlan(env.forServices, ports)),
    startStep(frame, 'Workers', workerPlan(env.forServices, ports)),
    startStep(frame, 'Relay', relayPlan(env.forRelay, ports)),
    ...(frame.embedded.chain
      ? [startStep(frame, 'Chain watcher', chainWatcherPlan(env.forServices, ports))]
      : []),
  ]);
}

async function startDatabase(frame: Frame): Promise<void> {
  if (frame.embedded.postgres) await inStep(frame, 'PostgreSQL', (step) => startPostgresProcess(frame, step));
  await inStep(frame, 'Database schema', async () => {
    const { migrateToLatest } = await import('#db/migrate.ts');
    await migrateToLatest(frame.env.databaseUrl, frame.env.rolePasswords).catch(migrationFailure);
    return 'up to date';
  });
}

async function seedDatabase(frame: Frame): Promise<void> {
  await inStep(frame, 'Seed', () => runScript(programPath('workers/seed.ts'), frame.env.forSeed));
}

async function startPostgresProcess(frame: Frame, step: Step): Promise<string> {
  const { home, ports, secrets, supervisor, given } = frame;
  step.update('preparing the data directory');
  const launch = await preparePostgres({
    dir: join(home, 'postgres'),
    port: ports.postgres,
    password: secrets?.database.owner ?? '',
    logFile: supervisor.logFile('postgres'),
  });
  const logFrom = sizeBytes(launch.logFile);
  await supervisor.start({
    name: 'postgres',
    label: 'PostgreSQL',
    command: launch.command,
    args: launch.args,
    env: { ...bare(given), LC_ALL: 'C' },
    account: launch.account,
    isReady: async (pid) => {
      await waitForPostgres(launch, pid, logFrom);
      return true;
    },
    readyTimeoutMs: 60_000,
    // Fast shutdown; SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    stopGraceMs: 20_000,
  });
  await ensureDatabase(launch.url);
  return `port ${ports.postgres}, data in ${launch.dataDir}`;
}

async function startTemporal(frame: Frame): Promise<void> {
  const { config, embedded, given, home, ports, supervisor } = frame;
  const { address, namespace } = config.temporal;
  if (!embedded.temporal) {
    await inStep(frame, 'Temporal', async () => {
      await registerAt(address, namespace);
      return `given by TEMPORAL_ADDRESS, ${address}`;
    });
    return;
  }
  await inStep(frame, 'Temporal', async (step) => {
    const binary = await findTemporalBinary(given, step);
    step.update(binary.source);
    const launch = prepareTemporal(binary, {
      dir: join(home, 'temporal'),
      port: ports.temporal,
      uiPort: ports.temporalUi,
      metricsPort: ports.temporalMetrics,
      namespace,
      codecEndpoint: `http://127.0.0.1:${ports.api}/codec`,
    });
    await supervisor.start({
      name: 'temporal',
      label: 'Temporal',
      command: launch.command,
      args: launch.args,
      env: bare(given),
      isReady: () => isTemporalReady(address, namespace),
      readyTimeoutMs: 60_000,
      stopSignal: 'SIGTERM',
      stopGraceMs: 15_000,
    });
    return `server ${binary.serverVersion}, ${binary.source}`;
  });
}

async function startAnalytics(frame: Frame): Promise<void> {
  const { config, embedded, given, home, ports, secrets } = frame;
  if (embedded.clickhouse) {
    requireChDb();
    await startStep(frame, 'ClickHouse', analyticsPlan(given, home, ports, secrets?.clickhouse ?? ''));
    return;
  }
  await inStep(frame, 'ClickHouse', async () => {
    const answer = await fetch(`${config.clickhouse.url}/ping`, {
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined);
    if (answer?.ok !== true)
      throw new BringUpFailure(
        `CLICKHOUSE_URL is ${config.clickhouse.url}, but no ClickHouse answers there.`,
      );
    return `given by CLICKHOUSE_URL, ${config.clickhouse.url}`;
  });
}

function requireChDb(): void {
  try {
    createRequire(import.meta.url).resolve('chdb');
  } catch {
    throw new BringUpFailure(
      'The embedded ClickHouse (chdb) is not installed: run npm ci without --omit=optional, or set CLICKHOUSE_URL to a ClickHouse server.',
    );
  }
}

/** A platform that cannot write them, or was installed without what joins them, runs the sources. */
async function joinOurPrograms(frame: Frame): Promise<void> {
  await inStep(frame, 'Programs', () =>
    joinPrograms().then(
      () => 'joined',
      () => 'run from their sources: they could not be joined',
    ),
  );
}

async function bundleWorkflows(frame: Frame): Promise<void> {
  await inStep(frame, 'Workflow bundle', () => bundleWorkflowsOnce(frame.env.forServices));
}

async function startCounterparties(frame: Frame): Promise<void> {
  const { embedded, secrets, supervisor } = frame;
  if (secrets === undefined) return;
  const request = { ...frame, secrets };
  const plans: ProcessPlan[] = [];
  if (embedded.pspAlpha) plans.push(pspAlphaPlan(request));
  if (embedded.pspBeta) plans.push(pspBetaPlan(request));
  if (embedded.pspGamma) plans.push(pspGammaPlan(request));
  if (embedded.bank) plans.push(bankPlan(request));
  if (embedded.kycVendor) plans.push(kycVendorPlan(request));
  if (embedded.gameStudio) plans.push(gameStudioPlan(request));
  if (embedded.mailbox) plans.push(mailboxPlan(request));
  if (embedded.oddsFeed) plans.push(oddsFeedPlan(request));
  if (embedded.chain) plans.push(chainNodePlan(request), chainPlan(request), chainSignerPlan(request));
  if (plans.length === 0) return;
  mkdirSync(join(frame.home, 'sandbox'), { recursive: true });
  await inStep(frame, 'Sandbox', async () => {
    await Promise.all(plans.map((plan) => supervisor.start(plan)));
    return plans.map(({ name }) => name).join(', ');
  });
}

async function startCardVault(frame: Frame): Promise<void> {
  const { embedded, secrets } = frame;
  if (!embedded.cardVault || secrets === undefined) return;
  if (!embedded.postgres)
    throw new BringUpFailure(
      'CARD_VAULT=on starts a vault beside the embedded PostgreSQL; with DATABASE_URL, run vault/main.ts by itself and set CARD_VAULT_URL.',
    );
  await startStep(frame, 'Card vault', await prepareCardVault({ ...frame, secrets }));
}

function startStep(frame: Frame, name: string, plan: ProcessPlan): Promise<void> {
  return inStep(frame, name, async () => {
    await frame.supervisor.start(plan);
    return 'ready';
  });
}

async function inStep(frame: Frame, name: string, work: (step: Step) => Promise<string>): Promise<void> {
  const step = frame.progress.step(name);
  try {
    step.done(await work(step));
  } catch (error) {
    step.fail();
    throw error;
  }
}

function publish(frame: Frame, release: () => void): Platform {
  const { home, supervisor, env } = frame;
  const file = join(home, 'run.json');
  const write = () => {
    const runJson = createRunJson({ ...frame, pids: supervisor.pids() });
    writePrivately(file, runJson);
    return runJson;
  };
  let runJson = write();
  let stopped: Promise<void> | undefined;
  supervisor.onRevival(() => {
    if (stopped === undefined) runJson = write();
  });
  const afterChange = async (change: Promise<void>) => {
    await change;
    runJson = write();
  };
  const stop = async () => {
    rmSync(file, { force: true });
    await supervisor.stopAll(stopOrder);
    release();
  };
  return {
    home,
    get runJson() {
      return runJson;
    },
    environment: env.forServices,
    kill: (name, signal = 'SIGKILL') => supervisor.kill(name, signal),
    restart: (name) => afterChange(supervisor.restart(name)),
    halt: (name) => supervisor.halt(name),
    resume: (name) => afterChange(supervisor.resume(name)),
    stop: () => (stopped ??= stop()),
    killAll: () => {
      supervisor.killAll();
      release();
    },
  };
}

function checkedConfig(env: PlatformEnvironment): Config {
  try {
    return loadConfig(env.forServices);
  } catch (error) {
    if (error instanceof ConfigFailure) throw new BringUpFailure(error.problems.join('\n'));
    throw error;
  }
}

function portsInUse(ports: Ports, embedded: Embedded): { port: number; use: string }[] {
  const always: [PortName, string][] = [
    ['api', 'the API'],
    ['apiMetrics', 'the API’s metrics'],
    ['workerMetrics', 'the worker’s metrics'],
    ['workerSdkMetrics', 'the Temporal SDK’s metrics'],
    ['relayMetrics', 'the relay’s metrics'],
  ];
  const per: Record<keyof Embedded, [PortName, string][]> = {
    postgres: [['postgres', 'PostgreSQL']],
    temporal: [
      ['temporal', 'Temporal'],
      ['temporalUi', 'the Temporal UI'],
      ['temporalMetrics', 'Temporal’s metrics'],
    ],
    clickhouse: [['clickhouse', 'ClickHouse']],
    mailbox: [
      ['mailbox', 'the mailbox'],
      ['mailboxSmtp', 'the mailbox’s SMTP side'],
    ],
    pspAlpha: [['pspAlpha', 'the PSP alpha']],
    pspBeta: [['pspBeta', 'the PSP beta']],
    pspGamma: [['pspGamma', 'the PSP gamma']],
    bank: [['bank', 'the bank']],
    kycVendor: [['kycVendor', 'the KYC vendor']],
    gameStudio: [['gameStudio', 'the game studio']],
    oddsFeed: [['oddsFeed', 'the odds feed']],
    chain: [
      ['sandboxChain', 'the sandbox chain'],
      ['chainRpc', 'the chain’s node'],
      ['chainSigner', 'the chain’s signer'],
      ['chainWatcher', 'the chain’s watcher'],
    ],
    cardVault: [['cardVault', 'the card vault']],
  };
  const ours = (Object.keys(per) as (keyof Embedded)[])
    .filter((name) => embedded[name])
    .flatMap((name) => per[name]);
  return [...always, ...ours].map(([name, use]) => ({ port: ports[name], use }));
}

function migrationFailure(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  const refused =
    'code' in error && ['ECONNREFUSED', 'ENOTFOUND', '28P01', '3D000'].includes(String(error.code));
  throw new BringUpFailure(
    refused
      ? `The database cannot be used: ${error.message}.`
      : `The database schema could not be brought up to date: ${error.message}.`,
  );
}
