/** The pure tests of the wallet's rules, and nothing that needs a server: they run once for each mutant. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['domain/wallet/**/*.test.ts', 'activities/wallet/log/merkle.test.ts'],
    setupFiles: ['tools/mutation/fixed-seed.ts'],
    testTimeout: 60_000,
  },
});
