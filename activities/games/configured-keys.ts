/** Keys that the platform's configuration brings, and plain secrets of older databases: both end up sealed. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import type { CredentialKind } from '#domain/games/dialects.ts';
import { sealCredential } from './commands/credential-secrets.ts';

/** Whoever may write the configuration has decided; four eyes are for people. */
const configuration = 'system:configuration';

/**
 * Makes `material` the configured key of its kind, and retires the configured one that it replaces. A key that people
 * have ended stays ended, and where they keep two of their own the configuration adds none: they have taken over.
 */
export async function keepConfiguredKey(
  trx: Trx,
  keyRing: ActivityDeps['keyRing'],
  integration: string,
  kind: CredentialKind,
  material: string,
): Promise<void> {
  const id = randomUUID();
  const parts = orThrow(sealCredential(keyRing, { integration, id }, kind, material));
  const known = await trx
    .selectFrom('games.integrationCredential')
    .select('id')
    .where('integration', '=', integration)
    .where('kind', '=', kind)
    .where('fingerprint', '=', parts.fingerprint)
    .where((eb) => eb.or([eb('state', 'in', ['proposed', 'active']), eb('decidedBy', '!=', configuration)]))
    .executeTakeFirst();
  if (known || (await countPeoplesKeys(trx, integration, kind)) >= 2) return;
  await trx
    .updateTable('games.integrationCredential')
    .set({ state: 'retired', wrapped: null, decidedAt: sql`now()` })
    .where('integration', '=', integration)
    .where('kind', '=', kind)
    .where('state', '=', 'active')
    .where('proposedBy', '=', configuration)
    .execute();
  await trx
    .insertInto('games.integrationCredential')
    .values({
      id,
      integration,
      kind,
      fingerprint: parts.fingerprint,
      publicKey: parts.publicKey,
      ...parts.secret,
      state: 'active',
      validFrom: sql<Date>`now()`,
      signsFrom: kind === 'rsa-public' ? null : sql<Date>`now()`,
      reason: 'brought by the configuration',
      proposedBy: configuration,
      decidedBy: configuration,
      decidedAt: sql<Date>`now()`,
    })
    .execute();
}

async function countPeoplesKeys(trx: Trx, integration: string, kind: CredentialKind): Promise<number> {
  const { count } = await trx
    .selectFrom('games.integrationCredential')
    .select((eb) => eb.fn.countAll<bigint>().as('count'))
    .where('integration', '=', integration)
    .where('kind', '=', kind)
    .where('state', '=', 'active')
    .where('proposedBy', '!=', configuration)
    .where((eb) => eb.or([eb('validUntil', 'is', null), eb('validUntil', '>', sql<Date>`now()`)]))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Seals secrets that databases of earlier versions held in the clear, and clears them. Answers how many. */
export async function sealPlainSecrets(trx: Trx, keyRing: ActivityDeps['keyRing']): Promise<number> {
  const rows = await trx
    .selectFrom('games.integration')
    .select(['id', 'callerSecret'])
    .where('callerSecret', 'is not', null)
    .forUpdate()
    .execute();
  for (const { id, callerSecret } of rows) {
    await keepConfiguredKey(trx, keyRing, id, 'hmac-secret', callerSecret ?? '');
    await trx.updateTable('games.integration').set({ callerSecret: null }).where('id', '=', id).execute();
  }
  return rows.length;
}
