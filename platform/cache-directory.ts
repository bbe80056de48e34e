/** Where programs that every checkout can share are kept between starts. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '#workers/config.ts';

export function cacheDirectory(environment: Environment): string {
  const base = environment['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'pitboss');
}
