/** Which PSPs a brand uses for a method and currency, in which order; every change is a new version. */
import type { Database, Trx } from '#db/connect.ts';
import { rememberShortly } from '../short-memory.ts';

export type PspRoute = {
  readonly brand: string;
  readonly method: 'card';
  readonly currency: string;
  readonly version: number;
  readonly psps: readonly string[];
};

const seeded: readonly string[] = [
  'EUR',
  'USD',
  'GBP',
  'SEK',
  'NOK',
  'PLN',
  'CAD',
  'BRL',
  'INR',
  'JPY',
  'KWD',
];

/** Gives every brand the first version of its card routes; running it again is harmless. */
export async function seedRoutes(trx: Database | Trx): Promise<void> {
  const brands = await trx.selectFrom('pam.brand').select('id').execute();
  for (const { id } of brands) {
    for (const currency of seeded) {
      await trx
        .insertInto('payments.pspRoute')
        .values({ brand: id, method: 'card', currency, version: 1, psps: ['alpha', 'beta', 'gamma'] })
        .onConflict((conflict) => conflict.columns(['brand', 'method', 'currency', 'version']).doNothing())
        .execute();
    }
  }
}

/** The route in force, null where the brand offers no such method in that currency. */
export async function currentRoute(
  db: Database | Trx,
  brand: string,
  method: 'card',
  currency: string,
): Promise<PspRoute | null> {
  const row = await db
    .selectFrom('payments.pspRoute')
    .select(['version', 'psps'])
    .where('brand', '=', brand)
    .where('method', '=', method)
    .where('currency', '=', currency)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? { brand, method, currency, version: row.version, psps: row.psps } : null;
}

const rememberedCardRoute = rememberShortly(2_000, (db, name) => {
  const [brand = '', currency = ''] = name.split('/');
  return currentRoute(db, brand, 'card', currency);
});

/** The brand's route for cards, at most two seconds old; a deposit stores the version that it used. */
export const recentCardRoute = (db: Database, brand: string, currency: string): Promise<PspRoute | null> =>
  rememberedCardRoute(db, `${brand}/${currency}`);
