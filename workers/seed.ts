/**
 * Gives an empty platform what it needs before its first player: assets, rules, brands, terms, games, routes, staff.
 * Running it again changes only what the configuration changed.
 */
import { connectStudio } from '#activities/games/catalogue.ts';
import { sealPlainSecrets } from '#activities/games/configured-keys.ts';
import { addAffiliate } from '#activities/affiliates/affiliates.ts';
import { seedRules } from '#activities/backoffice/rule-seeds.ts';
import { isRoleName, putOperator } from '#activities/backoffice/operators.ts';
import { publishTerms } from '#activities/cms/terms.ts';
import { seedProfiles } from '#activities/compliance/profiles.ts';
import { publishBrand } from '#activities/pam/brands.ts';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { seedPaymentRules } from '#activities/payments/shipped-limits.ts';
import { seedRampTerms } from '#activities/payments/commands/ramp-terms.ts';
import { seedRoutes } from '#activities/payments/routes.ts';
import { seedSecondChargePolicies } from '#activities/payments/second-charge.ts';
import { seedUnauthenticatedChargePolicies } from '#activities/payments/unauthenticated-charge.ts';
import { seedAssets } from '#activities/wallet/assets.ts';
import { createDatabase, openPool, type Database } from '#db/connect.ts';
import { ConfigFailure } from './config-failure.ts';
import { loadConfig, type Config } from './config.ts';
import { runProcess, type Closing } from './process.ts';
import { affiliates, brands, termsOf } from './seed-data.ts';
import { studioIntegrations } from './seed-studio.ts';

/** Everything of one transaction: a platform is seeded or it is not. Staff follow, because their hashes take time. */
export async function seed(
  db: Database,
  config: Pick<Config, 'gameStudio' | 'seed' | 'keys'>,
): Promise<void> {
  const keyRing = createKeyRing({
    kek: config.keys.keyEncryption.reveal(),
    blindIndexKey: config.keys.blindIndex.reveal(),
  });
  await db.transaction().execute(async (trx) => {
    await seedAssets(trx);
    await seedProfiles(trx);
    for (const brand of brands) {
      await publishBrand(trx, brand);
      await publishTerms(trx, termsOf(brand));
    }
    for (const affiliate of affiliates) await addAffiliate(trx, affiliate);
    await seedRoutes(trx);
    await seedSecondChargePolicies(
      trx,
      brands.map(({ id, config: { jurisdictions } }) => ({ id, jurisdictions })),
    );
    await seedUnauthenticatedChargePolicies(
      trx,
      brands.map(({ id, config: { jurisdictions } }) => ({ id, jurisdictions })),
    );
    await seedPaymentRules(trx);
    await seedRampTerms(trx);
    await seedRules(trx);
    await sealPlainSecrets(trx, keyRing);
    if (config.gameStudio) {
      for (const studio of studioIntegrations(config.gameStudio)) await connectStudio(trx, studio, keyRing);
    }
  });
  for (const { email, password, role } of config.seed.operators) {
    if (!isRoleName(role))
      throw new ConfigFailure([`SEED_OPERATORS names a role that does not exist: ${role}.`]);
    await putOperator(db, {
      email,
      name: email.split('@')[0] ?? role,
      password: password.reveal(),
      roles: [role],
    });
  }
}

async function start(closing: Closing): Promise<void> {
  const config = loadConfig();
  const pool = openPool({
    url: config.database.writerUrl.reveal(),
    applicationName: 'pitboss-seed',
    connectionsMax: 1,
  });
  const db = createDatabase(pool);
  closing.add(() => db.destroy());
  await seed(db, config);
  await db.destroy();
}

if (import.meta.main) await runProcess('seed', start);
