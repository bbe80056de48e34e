/**
 * `npm run mutation`: changes the wallet's pure code one place at a time and counts how many changes its tests notice.
 * Nothing else needs the tool, so it is installed beside the checkout's own modules and only when it is asked for.
 * What was measured is kept, and only what has changed is measured anew; the scores are of all that is known.
 * Arguments are Stryker's: `-- --mutate domain/wallet/flows.ts` for one file, `-- --force` to forget what is known.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const reportFile = join(root, '.pitboss/mutation/known.json');
const scoreMinTotal = 80;
const scoreMinOfFile = 75;

process.exitCode = main(process.argv.slice(2));

function main(args) {
  if (!existsSync(join(root, 'node_modules/vitest'))) {
    process.stderr.write('The dependencies are missing: run `npm ci` first.\n');
    return 1;
  }
  // Minutes of all processors: whoever waits for an answer on this machine goes first.
  os.setPriority(15);
  if (!isInstalled() && run('npm', ['ci'], here) !== 0) return 1;
  const startedMs = Date.now();
  const stryker = join(here, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const code = run(process.execPath, [stryker, 'run', 'tools/mutation/stryker.json', ...args], root);
  if (code !== 0) return code;
  process.stdout.write(`\nMeasured in ${((Date.now() - startedMs) / 60_000).toFixed(1)} min.\n`);
  return judge(JSON.parse(readFileSync(reportFile, 'utf8')).files);
}

function isInstalled() {
  const versionIn = (file) => JSON.parse(readFileSync(join(here, file), 'utf8'));
  const core = '@stryker-mutator/core';
  if (!existsSync(join(here, 'node_modules', core))) return false;
  return (
    versionIn(`node_modules/${core}/package.json`).version === versionIn('package.json').dependencies[core]
  );
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  return status ?? 1;
}

/** Prints the score of each file, the lowest first, and tells whether all of them are high enough. */
function judge(files) {
  const scores = Object.entries(files)
    .map(([path, { mutants }]) => ({ path, ...countsOf(mutants) }))
    .filter(({ valid }) => valid > 0)
    .sort((one, other) => scoreOf(one) - scoreOf(other));
  const total = { path: 'total', killed: sum(scores, 'killed'), valid: sum(scores, 'valid') };
  for (const score of [...scores, total]) process.stdout.write(`${lineOf(score)}\n`);

  const faults = scores
    .filter((score) => scoreOf(score) < scoreMinOfFile)
    .map(({ path }) => `${path} is under ${scoreMinOfFile} %`);
  if (scoreOf(total) < scoreMinTotal) faults.push(`the total is under ${scoreMinTotal} %`);
  for (const fault of faults) process.stderr.write(`✗ ${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

/** A mutant that does not run is none; one that runs for ever was noticed. */
function countsOf(mutants) {
  const withStatus = (...wanted) => mutants.filter(({ status }) => wanted.includes(status)).length;
  const killed = withStatus('Killed', 'Timeout');
  return { killed, valid: killed + withStatus('Survived', 'NoCoverage') };
}

function sum(scores, field) {
  return scores.reduce((all, score) => all + score[field], 0);
}

function scoreOf({ killed, valid }) {
  return (100 * killed) / valid;
}

function lineOf(score) {
  const percent = scoreOf(score).toFixed(1).padStart(5);
  return `${percent} %  ${String(score.killed).padStart(4)} of ${String(score.valid).padStart(4)}  ${score.path}`;
}
