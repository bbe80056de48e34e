/** `node vault/rotate-keys.ts [fingerprints]`: brings all cards under the current key; it can be stopped and run again. */
import { rotateFingerprints, rotateKeys } from './cards.ts';
import { loadVaultConfig } from './config.ts';
import { openVault } from './wiring.ts';

try {
  const parts = openVault(loadVaultConfig(), 2);
  try {
    const rotation =
      process.argv[2] === 'fingerprints' ? await rotateFingerprints(parts) : await rotateKeys(parts);
    process.stdout.write(`${rotation.changed} cards were changed.\n`);
    for (const token of rotation.unreadable)
      process.stderr.write(`${token} does not open and was left as it is.\n`);
    if (rotation.unreadable.length > 0) process.exitCode = 2;
  } finally {
    await parts.pool.end();
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
