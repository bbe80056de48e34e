/** Which PSPs a brand uses for a method and currency, in which order; every change is a new version. */
import type { Database, Trx } from '#db/connect.ts';
import { captureModeOf, type CaptureMode } from '#domain/payments/capture-mode.ts';
import { rememberShortly } from '../short-memory.ts';

export type RoutedMethod = 'card' | 'e-wallet';

export type PspRoute = {
  readonly brand: string;
  readonly method: RoutedMethod;
  readonly currency: string;
  readonly version: number;
  /** Whether money is taken at once, or authorised and captured by staff. */
  readonly captureMode: CaptureMode;
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

/** The wallets of our PSPs pay in these. */
const walletCurrencies: readonly string[] = ['EUR', 'USD', 'GBP', 'SEK', 'NOK', 'PLN', 'CAD'];

/** Gives every brand the first version of its routes; running it again is harmless. */
export async function seedRoutes(trx: Database | Trx): Promise<void> {
  const brands = await trx.selectFrom('pam.brand').select('id').execute();
  for (const { id } of brands) {
    const routes = [
      ...seeded.map((currency) => ({ method: 'card', currency })),
      ...walletCurrencies.map((currency) => ({ method: 'e-wallet', currency })),
    ];
    for (const { method, currency } of routes) {
      await trx
        .insertInto('payments.pspRoute')
        .values({ brand: id, method, currency, version: 1, psps: ['alpha', 'beta', 'gamma'] })
        .onConflict((conflict) => conflict.columns(['brand', 'method', 'currency', 'version']).doNothing())
        .execute();
    }
  }
}

/** The route in force, null where the brand offers no such method in that currency. */
export async function currentRoute(
  db: Database | Trx,
  brand: string,
  method: RoutedMethod,
  currency: string,
): Promise<PspRoute | null> {
  const row = await db
    .selectFrom('payments.pspRoute')
    .select(['version', 'psps', 'captureMode'])
    .where('brand', '=', brand)
    .where('method', '=', method)
    .where('currency', '=', currency)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row
    ? {
        brand,
        method,
        currency,
        version: row.version,
        psps: row.psps,
        captureMode: captureModeOf(row.captureMode),
      }
    : null;
}

const remembered = (method: RoutedMethod) =>
  rememberShortly(2_000, (db, name) => {
    const [brand = '', currency = ''] = name.split('/');
    return currentRoute(db, brand, method, currency);
  });

const rememberedRoutes = { card: remembered('card'), 'e-wallet': remembered('e-wallet') };

/** The brand's route, at most two seconds old; a deposit stores the version that it used. */
export const recentRoute = (
  db: Database,
  brand: string,
  method: RoutedMethod,
  currency: string,
): Promise<PspRoute | null> => rememberedRoutes[method](db, `${brand}/${currency}`);
