/** Provider connections for tests, with their keys sealed as the platform seals them. */
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { connectStudio } from '#activities/games/catalogue.ts';
import type { Database } from '#db/connect.ts';
import type { WalletDialect } from '#domain/games/dialects.ts';

/** For tests that open the doors by themselves; those with an application of their own pass its `deps.keyRing`. */
export const testKeyRing = createKeyRing({ kek: Buffer.alloc(32, 11), blindIndexKey: Buffer.alloc(32, 12) });

export type IntegrationWish = {
  readonly id: string;
  readonly dialect: WalletDialect;
  readonly brand?: string;
  readonly baseUrl?: string;
  /** PEM of an RSA caller. */
  readonly callerPublicKey?: string;
  /** Shared with an a8r caller; signs our own calls, too. */
  readonly callerSecret?: string;
  /** PEM of ours. */
  readonly ownPrivateKey?: string;
  readonly catalogueUrl?: string;
  readonly keyRing?: typeof testKeyRing;
  readonly games?: readonly { readonly code: string; readonly title: string; readonly category: string }[];
};

export async function makeIntegration(db: Database, wish: IntegrationWish): Promise<void> {
  const {
    keyRing = testKeyRing,
    brand = 'aurora',
    baseUrl = 'http://127.0.0.1:1',
    games = [],
    ...rest
  } = wish;
  await db
    .transaction()
    .execute((trx) => connectStudio(trx, { ...rest, brand, baseUrl, operatorId: 'pitboss', games }, keyRing));
}
