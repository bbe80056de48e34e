/** The card vault as a process: the only one that ever sees a card number. */
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { createLogger } from '#workers/logger.ts';
import { runProcess } from '#workers/process.ts';
import { createVaultApp } from './app.ts';
import { createAttempts } from './attempts-per-address.ts';
import { createCards } from './cards.ts';
import { loadVaultConfig } from './config.ts';
import { createForwarder } from './forward.ts';
import { openVault } from './wiring.ts';

await runProcess('vault', async (closing) => {
  const config = loadVaultConfig();
  const log = createLogger(config, 'vault');
  const parts = openVault(config, 8);
  closing.add(() => parts.pool.end());
  const cards = createCards(parts);
  const app = createVaultApp({
    cards,
    forward: createForwarder(cards, config.destinations),
    callerSecrets: config.callerSecrets.map((secret) => secret.reveal()),
    shopOrigins: config.shopOrigins,
    publicOrigin: config.publicOrigin,
    attempts: createAttempts(),
    addressOf: (c) => {
      // The last address is the one that our own proxy saw.
      const forwarded = config.isBehindProxy
        ? c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim()
        : undefined;
      return forwarded ?? getConnInfo(c).remote.address ?? 'unknown';
    },
    probes: { database: parts.rows.ping, keys: () => parts.keys.currentKeyId() },
    log,
  });
  await new Promise<void>((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: config.host, port: config.port }, ({ port }) => {
      log.info({ port }, 'the vault listens');
      resolve();
    });
    server.once('error', reject);
    closing.add(() => new Promise((done) => server.close(done)));
  });
});
