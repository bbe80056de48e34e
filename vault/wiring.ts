/** Opens what the vault's process and its rotation command have in common. */
import type pg from 'pg';
import { openPool } from '#db/connect.ts';
import type { CardParts } from './cards.ts';
import { createCardRows } from './card-rows.ts';
import type { VaultConfig } from './config.ts';
import { createCvcMemory } from './cvc-memory.ts';
import type { KeyManagement } from './key-management.ts';
import { openLocalKeys } from './local-keys.ts';
import { openTransitKeys } from './transit-keys.ts';

export function openVault(config: VaultConfig, connectionsMax: number): CardParts & { pool: pg.Pool } {
  const pool = openPool({
    url: config.databaseUrl.reveal(),
    applicationName: 'pitboss-vault',
    connectionsMax,
  });
  return {
    pool,
    rows: createCardRows(pool),
    keys: openKeys(config),
    cvcs: createCvcMemory(),
    fingerprintKey: config.fingerprintKeys[0].reveal(),
  };
}

function openKeys({ keys }: VaultConfig): KeyManagement {
  return keys.kind === 'file'
    ? openLocalKeys(keys.path)
    : openTransitKeys({ url: keys.url, key: keys.key, accessToken: keys.accessToken.reveal() });
}
