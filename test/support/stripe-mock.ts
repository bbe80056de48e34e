/** Stripe's own checker of requests, built with Go once per machine; a machine without Go does without it. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runBounded } from '#platform/bounded-command.ts';
import { cacheDirectory } from '#platform/cache-directory.ts';
import { findOnPath } from '#platform/temporal-binary.ts';
import type { Environment } from '#workers/config.ts';

const version = 'v0.203.0';
const buildTimeoutMs = 10 * 60_000;

const cached = (environment: Environment): string =>
  join(cacheDirectory(environment), 'bin', `stripe-mock-${version}`);

/** On PATH or made before; null where `makeStripeMock` has not been, or could not. */
export function findStripeMock(environment: Environment): string | null {
  const path = cached(environment);
  return existsSync(path) ? path : (findOnPath(environment, 'stripe-mock') ?? null);
}

/** The program, or why there is none. */
export async function makeStripeMock(
  environment: Environment,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  const known = findStripeMock(environment);
  if (known !== null) return { path: known };
  const go = findOnPath(environment, 'go');
  if (go === undefined) return { reason: 'go is not on PATH' };
  const target = cached(environment);
  const draft = `${target}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const built = await runBounded({
    command: go,
    args: ['install', `github.com/stripe/stripe-mock@${version}`],
    // Without cgo no C compiler is needed.
    env: { ...environment, GOBIN: draft, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' },
    cwd: draft,
    logFile: join(cacheDirectory(environment), 'stripe-mock.log'),
    timeoutMs: buildTimeoutMs,
  });
  const made = join(draft, 'stripe-mock');
  if (built.ok && existsSync(made)) renameSync(made, target);
  rmSync(draft, { recursive: true, force: true });
  return existsSync(target) ? { path: target } : { reason: built.reason };
}
