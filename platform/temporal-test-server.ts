/** The server that skips time in workflow tests: the SDK's download when online, otherwise Maven and Java. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '#workers/config.ts';
import { archiveClasses } from './java-class-archive.ts';
import { runBounded } from './bounded-command.ts';
import { cacheDirectory } from './cache-directory.ts';
import type { Step } from './progress.ts';
import { downloadWithSdk, findOnPath } from './temporal-binary.ts';
import { rehearse } from './test-server-rehearsal.ts';

const mavenVersion = '1.38.0';
const mavenTimeoutMs = 5 * 60_000;

const archiveName = 'classes.jsa';

const quiet: Step = { update: () => {}, done: () => {}, fail: () => {} };

/** Path of a program fit for `executable: {type: 'existing-path'}`; null, with the reasons printed, when there is none. */
export async function ensureTestServer(environment: Environment, step: Step = quiet): Promise<string | null> {
  const given = environment['TEMPORAL_TEST_SERVER_PATH'];
  if (given !== undefined && given !== '') return given;
  const folder = join(cacheDirectory(environment), 'test-server');
  const ready = cachedLauncher(folder);
  if (ready !== undefined) return ready;
  const downloaded = await downloadWithSdk({
    environment,
    folder: join(folder, 'download'),
    kind: 'test-server',
    version: 'default',
    step,
  });
  if (typeof downloaded !== 'string') return downloaded.path;
  const resolved = await resolveWithMaven(environment, folder, step);
  if ('launcher' in resolved) return resolved.launcher;
  process.stderr.write(
    `NO TIME-SKIPPING TEMPORAL SERVER: workflow tests cannot run. Download by the SDK: ${downloaded}. Maven: ${resolved.reason}. Set TEMPORAL_TEST_SERVER_PATH, go online, or install Java 17 and Maven.\n`,
  );
  return null;
}

function cachedLauncher(folder: string): string | undefined {
  const launcher = join(folder, `maven-${mavenVersion}`, 'temporal-test-server');
  if (existsSync(launcher)) return launcher;
  const download = join(folder, 'download');
  if (!existsSync(download)) return undefined;
  const name = readdirSync(download).find(
    (entry) => entry.startsWith('temporal-test-server') && !entry.endsWith('.downloading'),
  );
  return name === undefined ? undefined : join(download, name);
}

async function resolveWithMaven(
  environment: Environment,
  folder: string,
  step: Step,
): Promise<{ launcher: string } | { reason: string }> {
  const maven = findOnPath(environment, 'mvn');
  if (maven === undefined || findOnPath(environment, 'java') === undefined)
    return { reason: 'java and mvn are not both on PATH' };
  step.update('resolving the test server with Maven');
  const draft = join(folder, `draft.${process.pid}`);
  mkdirSync(draft, { recursive: true });
  cpSync(fileURLToPath(new URL('./test-server/pom.xml', import.meta.url)), join(draft, 'pom.xml'));
  const logFile = join(folder, 'maven.log');
  const result = await runBounded({
    command: maven,
    args: ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'],
    env: environment,
    cwd: draft,
    logFile,
    timeoutMs: mavenTimeoutMs,
  });
  if (!result.ok) {
    rmSync(draft, { recursive: true, force: true });
    return { reason: `${result.reason} (log in ${logFile})` };
  }
  writeLauncher(join(draft, 'temporal-test-server'));
  const target = join(folder, `maven-${mavenVersion}`);
  // Another run may have finished first; its result is as good.
  if (!existsSync(target)) renameSync(draft, target);
  else rmSync(draft, { recursive: true, force: true });
  const launcher = join(target, 'temporal-test-server');
  // Java takes the archive only with the paths it was made with, so it is made in its final place.
  await archiveClasses(javaArgs(target), join(target, archiveName), environment, rehearse).catch(() => {});
  return { launcher };
}

/**
 * Java is told to start quickly rather than to run for long: the SDK gives the server five seconds, and each test file
 * has one of its own.
 */
const javaArgs = (folder: string): readonly string[] => [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-cp',
  `${folder}/lib/*`,
  'io.temporal.testserver.TestServer',
];

/** Finds its jars from its own place, because the SDK starts it in any working directory. */
function writeLauncher(path: string): void {
  writeFileSync(
    path,
    `#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
exec java -Xshare:auto -XX:SharedArchiveFile="$here/${archiveName}" ${javaArgs('$here')
      .map((arg) => `"${arg}"`)
      .join(' ')} "$@"
`,
  );
  chmodSync(path, 0o755);
}
