/** A player with a wallet in euro, for tests of what protects him. */
import { randomUUID } from 'node:crypto';
import { seedProfiles } from '#activities/compliance/profiles.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import type { TestDatabase } from './database.ts';

export type TestPlayer = { readonly playerId: string; readonly brand: string; readonly jurisdiction: string };

/** Wallet assets that such tests use; the profiles come with them. Call it once per database. */
export async function seedProtection(database: TestDatabase): Promise<void> {
  await database.ownerPool.query(
    `insert into wallet.asset (code, kind, ledger_scale, payable_scale) values ('EUR', 'fiat', 12, 2), ('GBP', 'fiat', 12, 2)
     on conflict do nothing`,
  );
  await database.ownerPool.query(`insert into pam.brand (id, name) values ('aurora', 'Aurora') on conflict do nothing`);
  await seedProfiles(database.db);
}

export async function createTestPlayer(database: TestDatabase, jurisdiction = 'MT'): Promise<TestPlayer> {
  const playerId = randomUUID();
  const brand = 'aurora';
  await database.ownerPool.query(
    `insert into pam.player (id, brand, jurisdiction, jurisdiction_version, country, currency, status, terms_version)
     values ($1, $2, $3, 1, 'MT', 'EUR', 'email-unverified', 1)`,
    [playerId, brand, jurisdiction],
  );
  await database.db
    .transaction()
    .execute((trx) => openWallet(trx, { playerId, asset: 'EUR', brand, jurisdiction }));
  return { playerId, brand, jurisdiction };
}
