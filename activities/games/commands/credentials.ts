/** Keys of an integration under four eyes: one person proposes, another activates; one alone may end a key. */
import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { credentialKindsOf, isWalletDialect, type CredentialKind } from '#domain/games/dialects.ts';
import { sealCredential } from './credential-secrets.ts';

type Deps = { readonly db: Database; readonly keyRing: ActivityDeps['keyRing'] };

export type ProposeCredential = {
  readonly id: string;
  readonly integration: string;
  readonly kind: CredentialKind;
  /** PEM or shared secret; null makes a new RSA key of ours, which then never travels. */
  readonly material: string | null;
  /** ISO instants; null is from now, for ever, and never signs. */
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly signsFrom: string | null;
  readonly operatorId: string;
  readonly reason: string;
};

const newKeyBits = 3_072;

/** Failures: `not-found`, `invalid-request` (a kind or material that does not fit), `name-taken` (the key is known). */
export async function proposeCredential(
  { db, keyRing }: Deps,
  proposal: ProposeCredential,
): Promise<Result<{ readonly fingerprint: string; readonly publicKey: string | null }>> {
  const { id, integration, kind } = proposal;
  const material = proposal.material ?? (kind === 'rsa-private' ? await makePrivateKey() : null);
  if (material === null) return fail('invalid-request', 'Only a private key of ours can be made here.');
  if (kind === 'rsa-public' && proposal.signsFrom !== null)
    return fail('invalid-request', 'A public key of the caller does not sign.');
  const parts = sealCredential(keyRing, { integration, id }, kind, material);
  if (!parts.ok) return parts;
  const { fingerprint, publicKey, secret } = parts.value;
  return db.transaction().execute(async (trx) => {
    const owner = await lockIntegration(trx, integration);
    if (!owner) return fail('not-found', 'There is no such integration.');
    const { validFrom, validUntil } = proposal;
    if (validUntil !== null && !(await isLater(trx, validUntil, validFrom)))
      return fail('invalid-request', 'The key would be over before it begins.');
    if (!isWalletDialect(owner.dialect) || !credentialKindsOf(owner.dialect).includes(kind))
      return fail('invalid-request', `The dialect ${owner.dialect} has no use for this kind of key.`);
    const made = await trx
      .insertInto('games.integrationCredential')
      .values({
        id,
        integration,
        kind,
        fingerprint,
        publicKey,
        ...secret,
        state: 'proposed',
        validFrom: proposal.validFrom ?? sql<Date>`now()`,
        validUntil: proposal.validUntil,
        signsFrom: proposal.signsFrom,
        reason: proposal.reason,
        proposedBy: proposal.operatorId,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!made) return fail('name-taken', 'This key is proposed or active already.');
    await tell(trx, 'games.credential.proposed', owner.brand, { ...proposal, id, fingerprint }, proposal);
    return succeed({ fingerprint, publicKey });
  });
}

export type DecideCredential = {
  readonly id: string;
  readonly integration: string;
  readonly operatorId: string;
  readonly reason: string;
} &
  /** `payloadHash` is hex, of the key as it was shown. */
  (
    | { readonly decision: 'activate' | 'refuse'; readonly payloadHash: string }
    /** `at` null ends it now and destroys its secret; an instant to come lets it run out, and never later than before. */
    | { readonly decision: 'end'; readonly at: string | null }
    | { readonly decision: 'sign'; readonly at: string | null }
  );

/**
 * Whoever proposed a key may refuse it, which takes it back.
 * Failures: `not-found`, `own-approval` (who proposed may not activate), `already-decided` (not in a state
 * for this, or not what was shown), `too-many-keys` (two of the kind are active), `invalid-request` (a caller's key cannot
 * sign, a key is not prolonged).
 */
export async function decideCredential(
  { db }: Deps,
  order: DecideCredential,
): Promise<Result<{ readonly state: string }>> {
  return db.transaction().execute(async (trx) => {
    const owner = await lockIntegration(trx, order.integration);
    const row = owner ? await lockCredential(trx, order) : undefined;
    if (!owner || !row) return fail('not-found', 'There is no such key.');
    const fact = { ...order, kind: row.kind as CredentialKind, fingerprint: row.fingerprint };
    const change = trx.updateTable('games.integrationCredential').where('id', '=', order.id);
    switch (order.decision) {
      case 'activate':
      case 'refuse': {
        if (row.state !== 'proposed') return fail('already-decided', 'The key does not wait for a decision.');
        const activated = order.decision === 'activate';
        if (activated && row.proposedBy === order.operatorId)
          return fail('own-approval', 'Somebody else has to activate a key that you proposed.');
        if (credentialHash({ ...row, id: order.id }) !== order.payloadHash)
          return fail('already-decided', 'The key is not the one that was shown.');
        if (activated && (await countActive(trx, row)) >= 2)
          return fail('too-many-keys', 'Two keys of this kind are active; end one first.');
        const state = activated ? 'active' : 'refused';
        const decided = { state, decidedBy: order.operatorId, decidedAt: sql<Date>`now()` };
        await change.set(activated ? decided : { ...decided, wrapped: null }).execute();
        const type = activated ? 'games.credential.activated' : 'games.credential.refused';
        await tell(trx, type, owner.brand, fact, order);
        return succeed({ state });
      }
      case 'end': {
        if (row.state !== 'active') return fail('already-decided', 'The key is not active.');
        const { at } = order;
        if (at !== null && row.validUntil !== null && (await isLater(trx, at, row.validUntil)))
          return fail('invalid-request', 'A key is never prolonged: another one replaces it.');
        if (at !== null && (await isLater(trx, at, null)) && (await isLater(trx, at, row.validFrom))) {
          const limited = await change
            .set({ validUntil: at })
            .returning(['validUntil', 'signsFrom'])
            .executeTakeFirstOrThrow();
          await tellLimited(trx, owner.brand, fact, limited, order);
          return succeed({ state: 'active' });
        }
        await change
          .set({
            state: 'retired',
            wrapped: null,
            decidedBy: order.operatorId,
            decidedAt: sql<Date>`now()`,
          })
          .execute();
        await tell(trx, 'games.credential.retired', owner.brand, fact, order);
        return succeed({ state: 'retired' });
      }
      case 'sign': {
        if (row.state !== 'active') return fail('already-decided', 'The key is not active.');
        if (row.kind === 'rsa-public')
          return fail('invalid-request', 'A public key of the caller does not sign.');
        const limited = await change
          .set({ signsFrom: order.at ?? sql<Date>`now()` })
          .returning(['validUntil', 'signsFrom'])
          .executeTakeFirstOrThrow();
        await tellLimited(trx, owner.brand, fact, limited, order);
        return succeed({ state: 'active' });
      }
    }
  });
}

type ShownCredential = {
  readonly id: string;
  readonly integration: string;
  readonly kind: string;
  readonly fingerprint: string;
  readonly validFrom: Date;
  readonly validUntil: Date | null;
  readonly signsFrom: Date | null;
};

/** Hex, of what two people agree on: which key of whom, from when to when, and whether it signs. */
export const credentialHash = (key: ShownCredential): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        key.id,
        key.integration,
        key.kind,
        key.fingerprint,
        key.validFrom,
        key.validUntil,
        key.signsFrom,
      ]),
    )
    .digest('hex');

async function makePrivateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: newKeyBits });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Two decisions about the keys of one integration follow each other. */
const lockIntegration = (trx: Trx, id: string) =>
  trx
    .selectFrom('games.integration')
    .select(['brand', 'dialect'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();

const lockCredential = (trx: Trx, { id, integration }: { id: string; integration: string }) =>
  trx
    .selectFrom('games.integrationCredential')
    .select([
      'integration',
      'kind',
      'fingerprint',
      'state',
      'proposedBy',
      'validFrom',
      'validUntil',
      'signsFrom',
    ])
    .where('id', '=', id)
    .where('integration', '=', integration)
    .forUpdate()
    .executeTakeFirst();

async function countActive(
  trx: Trx,
  { integration, kind }: { integration: string; kind: string },
): Promise<number> {
  const { count } = await trx
    .selectFrom('games.integrationCredential')
    .select((eb) => eb.fn.countAll<bigint>().as('count'))
    .where('integration', '=', integration)
    .where('kind', '=', kind)
    .where('state', '=', 'active')
    .where((eb) => eb.or([eb('validUntil', 'is', null), eb('validUntil', '>', sql<Date>`now()`)]))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** By the database's clock; `than` null is now. */
async function isLater(trx: Trx, at: string, than: string | Date | null): Promise<boolean> {
  const { rows } = await sql<{ later: boolean }>`
    select ${at}::timestamptz > coalesce(${than}::timestamptz, now()) as later
  `.execute(trx);
  return rows[0]?.later ?? false;
}

type Fact = {
  readonly id: string;
  readonly integration: string;
  readonly kind: CredentialKind;
  readonly fingerprint: string;
};

const payloadOf = ({ id, integration, kind, fingerprint }: Fact) => ({
  integration,
  credentialId: id,
  kind,
  fingerprint,
});

const deedOf = (fact: Fact, { operatorId, reason }: { operatorId: string; reason: string }) => ({
  actor: { kind: 'operator' as const, id: operatorId },
  subject: `integration:${fact.integration}`,
  reason,
});

const tell = (
  trx: Trx,
  type: `games.credential.${'proposed' | 'activated' | 'refused' | 'retired'}`,
  brand: string,
  fact: Fact,
  who: { readonly operatorId: string; readonly reason: string },
): Promise<void> =>
  appendEvent(trx, { type, version: 1, brand, playerId: null, payload: payloadOf(fact) }, deedOf(fact, who));

const tellLimited = (
  trx: Trx,
  brand: string,
  fact: Fact,
  { validUntil, signsFrom }: { readonly validUntil: Date | null; readonly signsFrom: Date | null },
  who: { readonly operatorId: string; readonly reason: string },
): Promise<void> =>
  appendEvent(
    trx,
    {
      type: 'games.credential.limited',
      version: 1,
      brand,
      playerId: null,
      payload: {
        ...payloadOf(fact),
        validUntil: validUntil?.toISOString() ?? null,
        signsFrom: signsFrom?.toISOString() ?? null,
      },
    },
    deedOf(fact, who),
  );
