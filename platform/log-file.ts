/** Children write to files, not pipes, so that they outlive a killed supervisor without choking on a closed pipe. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const rotateAboveBytes = 20 * 1024 * 1024;

export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  if (sizeBytes(path) > rotateAboveBytes) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o644);
}

export function withLog<T>(path: string, use: (descriptor: number) => T): T {
  const descriptor = openLog(path);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What was written after `fromBytes`, so that a failure does not quote an earlier run; stack frames stay in the log. */
export function logSince(path: string, fromBytes: number, lines = 12): string[] {
  try {
    const written = readFileSync(path).subarray(fromBytes).toString('utf8').split('\n');
    return written.filter((line) => line.trim() !== '' && !/^\s+at /.test(line)).slice(-lines);
  } catch {
    return [];
  }
}

export function sizeBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
