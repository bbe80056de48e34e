/** Opens an account: player, sealed personal data, password, wallet and fact in one transaction. */
import { isDeepStrictEqual } from 'node:util';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { checkAge, checkOffer, checkPassword } from '#domain/pam/registration.ts';
import { normaliseEmail } from '#domain/pam/sessions.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { hashPassword, verifyPassword } from '#activities/passwords.ts';
import { openPersonalData, sealPersonalData } from '#activities/personal-data.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { readBrand, readRegistrationRules, type RegistrationRules } from '../brands.ts';
import type { KeyRing } from '../key-ring.ts';

export type Registration = {
  /** Made from the idempotency key: a repeat meets the same row. */
  readonly id: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly email: string;
  readonly password: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly dateOfBirth: string;
  readonly country: string;
  readonly currency: string;
  readonly termsVersion: number;
  readonly affiliateCode: string | null;
};

export type RegisterDeps = {
  readonly db: Database;
  readonly keyRing: KeyRing;
  /** What other modules write with a new account, in the same transaction. */
  readonly alongside?: (
    trx: Trx,
    player: { id: string; brand: string; affiliateCode: string | null },
  ) => Promise<void>;
};

export type Registered = { readonly playerId: string; readonly status: 'email-unverified' };

/**
 * Registers a player. Failures: `unknown-brand`, `unknown-jurisdiction`, `unsupported-asset`, `terms-not-current`,
 * `player-underage`, `invalid-request` (password, date), `email-taken`, `idempotency-key-reused`.
 */
export async function registerPlayer(
  deps: RegisterDeps,
  registration: Registration,
): Promise<Result<Registered>> {
  const repeated = await answerRepeat(deps, registration);
  if (repeated) return repeated;
  const rules = await checkRegistration(deps.db, registration);
  if (!rules.ok) return rules;
  // Before the transaction: the hash takes 12 ms of a core and needs no connection.
  const passwordHash = await hashPassword(registration.password);
  const created = await deps.db
    .transaction()
    .execute((trx) => writePlayer(trx, deps, registration, rules.value, passwordHash));
  if (created) return succeed({ playerId: registration.id, status: 'email-unverified' });
  return (
    (await answerRepeat(deps, registration)) ??
    fail('email-taken', 'This address has an account at this brand.')
  );
}

async function checkRegistration(db: Database, wish: Registration): Promise<Result<RegistrationRules>> {
  const brand = await readBrand(db, wish.brand);
  if (!brand.ok) return brand;
  const offer = checkOffer(brand.value.config, wish);
  if (!offer.ok) return offer;
  const rules = await readRegistrationRules(db, wish.brand, wish.jurisdiction);
  if (!rules.ok) return rules;
  const age = checkAge(wish.dateOfBirth, rules.value.today, rules.value.ageMinYears);
  if (!age.ok) return age;
  const password = checkPassword(wish.password, wish.email);
  if (!password.ok) return password;
  if (wish.termsVersion !== rules.value.termsVersion) {
    return fail('terms-not-current', 'Other terms are in force by now; show them and ask again.');
  }
  return rules;
}

/** False when the address or the id is taken; whoever wins the insert writes everything. */
async function writePlayer(
  trx: Trx,
  deps: RegisterDeps,
  wish: Registration,
  rules: RegistrationRules,
  passwordHash: string,
): Promise<boolean> {
  const inserted = await trx
    .insertInto('pam.player')
    .values({
      id: wish.id,
      brand: wish.brand,
      jurisdiction: wish.jurisdiction,
      jurisdictionVersion: rules.jurisdictionVersion,
      country: wish.country,
      currency: wish.currency,
      status: 'email-unverified',
      emailIndex: deps.keyRing.blindIndex(normaliseEmail(wish.email)),
      termsVersion: wish.termsVersion,
      affiliateCode: wish.affiliateCode,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!inserted) return false;
  await sealPersonalData(trx, deps.keyRing, wish.id, personalDataOf(wish));
  await trx.insertInto('pam.credential').values({ playerId: wish.id, passwordHash }).execute();
  await openWallet(trx, {
    playerId: wish.id,
    asset: wish.currency,
    brand: wish.brand,
    jurisdiction: wish.jurisdiction,
  });
  await deps.alongside?.(trx, { id: wish.id, brand: wish.brand, affiliateCode: wish.affiliateCode });
  await appendEvent(
    trx,
    {
      type: 'pam.player.registered',
      version: 1,
      brand: wish.brand,
      playerId: wish.id,
      payload: {
        playerId: wish.id,
        jurisdiction: wish.jurisdiction,
        jurisdictionVersion: rules.jurisdictionVersion,
        country: wish.country,
        currency: wish.currency,
        affiliateCode: wish.affiliateCode,
        termsVersion: wish.termsVersion,
      },
    },
    { actor: { kind: 'player', id: wish.id }, subject: `player:${wish.id}` },
  );
  return true;
}

const personalDataOf = (wish: Registration) => ({
  general: { email: wish.email.trim() },
  aml: { firstName: wish.firstName, lastName: wish.lastName, dateOfBirth: wish.dateOfBirth },
});

/**
 * The answer to a repeat of the same registration, null when there is none. Compared against what was sealed, not
 * against a stored fingerprint: a fast hash over a password and personal data would be a gift to a thief.
 */
async function answerRepeat(deps: RegisterDeps, wish: Registration): Promise<Result<Registered> | null> {
  const row = await deps.db
    .selectFrom('pam.player as p')
    .innerJoin('pam.credential as c', 'c.playerId', 'p.id')
    .select(['p.brand', 'p.jurisdiction', 'p.country', 'p.currency', 'p.termsVersion', 'p.affiliateCode'])
    .select('c.passwordHash')
    .where('p.id', '=', wish.id)
    .executeTakeFirst();
  if (!row) return null;
  const { passwordHash, ...stored } = row;
  const { brand, jurisdiction, country, currency, termsVersion, affiliateCode } = wish;
  const same =
    isDeepStrictEqual(stored, { brand, jurisdiction, country, currency, termsVersion, affiliateCode }) &&
    isDeepStrictEqual(
      await openPersonalData(deps.db, deps.keyRing, wish.id, 'general'),
      personalDataOf(wish).general,
    ) &&
    isDeepStrictEqual(
      await openPersonalData(deps.db, deps.keyRing, wish.id, 'aml'),
      personalDataOf(wish).aml,
    ) &&
    (await verifyPassword(passwordHash, wish.password));
  return same
    ? succeed({ playerId: wish.id, status: 'email-unverified' })
    : fail('idempotency-key-reused', 'This idempotency key registered something else.');
}
