/** Which keys an integration accepts and signs with at this moment, opened; read by wallet doors and by our own calls. */
import type { KeyObject } from 'node:crypto';
import { sql } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database } from '#db/connect.ts';
import { traitsOf, type CredentialKind, type WalletDialect } from '#domain/games/dialects.ts';
import { openCredential, type StoredCredential } from './credential-secrets.ts';

type Deps = { readonly db: Database; readonly keyRing: ActivityDeps['keyRing'] };

const keysMax = 1_000;

/**
 * Opened keys by credential, so that a key is unsealed once and not with every read. Nothing of a row can change but
 * its validity, which is read each time. One per process and database.
 */
export type OpenedKeys = Map<string, KeyObject>;

/** What the caller may sign with now: at most two while a key is being replaced, newest first. Empty means nobody is believed. */
export async function readCallerKeys(
  deps: Deps,
  integration: string,
  dialect: WalletDialect,
  opened: OpenedKeys,
): Promise<readonly KeyObject[]> {
  const rows = await inForce(deps.db, integration, traitsOf(dialect).callerCredential)
    .orderBy('validFrom', 'desc')
    .limit(2)
    .execute();
  return rows.map((row) => keyOf(deps, row, opened));
}

/** What we sign with now: of our keys in force the one that was last told to sign; null when there is none. */
export async function readSigningKey(
  deps: Deps,
  integration: string,
  dialect: WalletDialect,
): Promise<KeyObject | null> {
  const row = await inForce(deps.db, integration, traitsOf(dialect).ownCredential)
    .where('signsFrom', '<=', sql<Date>`now()`)
    .orderBy('signsFrom', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? openCredential(deps.keyRing, row) : null;
}

const inForce = (db: Database, integration: string, kind: CredentialKind) =>
  db
    .selectFrom('games.integrationCredential')
    .select(['id', 'integration', 'kind', 'publicKey', 'keyId', 'wrapped', 'sealed'])
    .where('integration', '=', integration)
    .where('kind', '=', kind)
    .where('state', '=', 'active')
    .where('validFrom', '<=', sql<Date>`now()`)
    .where((eb) => eb.or([eb('validUntil', 'is', null), eb('validUntil', '>', sql<Date>`now()`)]));

function keyOf({ keyRing }: Deps, row: StoredCredential, opened: OpenedKeys): KeyObject {
  const known = opened.get(row.id);
  if (known) return known;
  const key = openCredential(keyRing, row);
  if (opened.size >= keysMax) opened.clear();
  opened.set(row.id, key);
  return key;
}
