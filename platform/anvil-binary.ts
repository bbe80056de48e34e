/** Finds the local chain's program in the platform package that npm installed; nothing is downloaded. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Null where the optional package is not installed, or not made for this machine. */
export function findAnvil(): string | null {
  const architecture = architectures[process.arch];
  if (architecture === undefined) return null;
  try {
    const manifest = createRequire(import.meta.url).resolve(
      `@foundry-rs/anvil-${process.platform}-${architecture}/package.json`,
    );
    const binary = join(dirname(manifest), 'bin', 'anvil');
    return existsSync(binary) ? binary : null;
  } catch {
    return null;
  }
}
