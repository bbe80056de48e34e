/** `npm start`: brings the platform up, says where everything is, and takes it down in order on Ctrl-C. */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from '#workers/config.ts';
import { BringUpFailure } from './bring-up-failure.ts';
import { childPath } from './environment.ts';
import { checkout } from './home.ts';
import { programPath } from './joined-programs.ts';
import { startPlatform, type Platform } from './platform.ts';
import { createProgress, elapsed } from './progress.ts';

const startedMs = performance.now();
const progress = createProgress(process.stdout);
const environment = readEnvironment();
const stopping = new AbortController();
/** The terminal and npm both pass a Ctrl-C on: copies within this time are one wish. */
const sameWishMs = 1_500;

let platform: Platform | undefined;
let firstSignalMs: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

function onSignal(): void {
  const nowMs = performance.now();
  if (firstSignalMs === undefined) {
    firstSignalMs = nowMs;
    progress.note('Stopping; press Ctrl-C again to end everything at once.');
    stopping.abort();
  } else if (nowMs - firstSignalMs > sameWishMs) {
    platform?.killAll();
    process.exit(130);
  }
}

async function run(): Promise<void> {
  platform = await startPlatform({
    environment,
    progress,
    tell: (line) => progress.note(line),
    signal: stopping.signal,
  });
  progress.note(`\nReady in ${elapsed(startedMs)}.\n`);
  progress.note(addresses(platform));
  if (!stopping.signal.aborted) await playDemoOnce(platform);
  await untilStopped();
  await takeDown(platform);
}

async function takeDown(running: Platform): Promise<void> {
  const step = progress.step('Stopping');
  const beganMs = performance.now();
  await running.stop();
  step.done(`everything stopped in ${elapsed(beganMs)}`);
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.signal.aborted) return resolve();
    // Without work of its own the process would end; the children live in groups of their own.
    const alive = setInterval(() => {}, 60_000);
    stopping.signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}

/** Shown once per home; when it fails it is shown again at the next start. */
async function playDemoOnce({ home, runJson }: Platform): Promise<void> {
  const marker = join(home, 'demo-played');
  if (runJson.mode !== 'development' || existsSync(marker)) return;
  progress.note(
    '\nThe demo, once: one player’s money life through the public API (again with npm run demo).\n',
  );
  const child = spawn(process.execPath, [programPath('sandbox/demo/main.ts')], {
    cwd: checkout,
    env: { ...environment, PITBOSS_HOME: home, PATH: childPath(environment), NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  stopping.signal.addEventListener('abort', () => child.kill('SIGTERM'));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code === 0) noteQuietly(marker);
  else if (!stopping.signal.aborted)
    progress.note(
      `\nThe demo did not come through (exit code ${code}); the platform keeps running. Play it again with npm run demo.`,
    );
}

/** What cannot be noted is shown again; no platform ends of it. */
function noteQuietly(marker: string): void {
  try {
    writeFileSync(marker, '');
  } catch (error) {
    progress.note(`It will be shown again: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** The UI opens in a namespace that holds nothing of ours. */
const workflowsPage = ({ temporalUi, temporalNamespace }: Platform['runJson']): string | null =>
  temporalUi === null ? null : `${temporalUi}/namespaces/${temporalNamespace}/workflows`;

function addresses({ home, runJson }: Platform): string {
  const lines: [string, string][] = [
    ['Player API', runJson.api],
    ['API documents', runJson.docs],
    ['Temporal UI', workflowsPage(runJson) ?? 'not known (set TEMPORAL_UI_URL)'],
    ['ClickHouse', `${runJson.clickhouse.url}  user ${runJson.clickhouse.user}, password in run.json`],
    ['Metrics', Object.values(runJson.metrics).join('  ')],
    ['Mail', runJson.sandbox['mailbox'] ?? 'sent to SMTP_URL'],
    ['Everything else', join(home, 'run.json')],
  ];
  const logins = runJson.operators.map(
    ({ role, email, password }) => `    ${role.padEnd(16)}${email.padEnd(36)}${password}`,
  );
  const back = logins.length === 0 ? [] : ['', '  Back-office logins (development only)', ...logins];
  return [
    ...lines.map(([name, value]) => `  ${name.padEnd(18)}${value}`),
    ...back,
    '',
    '  Ctrl-C stops everything.',
  ].join('\n');
}

try {
  await run();
  process.exit(0);
} catch (error) {
  progress.close();
  if (!(error instanceof BringUpFailure)) throw error;
  process.stderr.write(`\n${error.message}\n${error.logTail.map((line) => `    ${line}\n`).join('')}`);
  process.exit(1);
}
