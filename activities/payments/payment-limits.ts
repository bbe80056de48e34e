/** Payment rules of brands and retry rules of cards as they are in force, kept in the process for two seconds; and those that a new brand begins with. */
import { sql } from 'kysely';
import { z } from 'zod';
import type { Database, Trx } from '#db/connect.ts';
import { kycLevels } from '#domain/kyc/levels.ts';
import {
  paymentFlows,
  paymentMeasures,
  paymentSubjects,
  type PaymentRule,
} from '#domain/payments/payment-rules.ts';
import type { RetryRule } from '#domain/payments/retry-rules.ts';
import { rememberShortly } from '../short-memory.ts';

/** So long may a rule lag behind its setting; what is counted never does. */
const ageMsMax = 2_000;

const ruleRow = z.object({
  id: z.string(),
  name: z.string(),
  version: z.number(),
  flow: z.enum(paymentFlows),
  measure: z.enum(paymentMeasures),
  subject: z.enum(paymentSubjects),
  method: z.string().nullable(),
  jurisdiction: z.string().nullable(),
  country: z.string().nullable(),
  asset: z.string().nullable(),
  amount: z
    .string()
    .nullable()
    .transform((text) => (text === null ? null : BigInt(text))),
  countMax: z.number().nullable(),
  kycLevel: z.enum(kycLevels).nullable(),
  windowS: z.number().nullable(),
});

/** Of a brand: the highest version of every name, unless it ends the rule. */
export const currentPaymentRules = rememberShortly<readonly PaymentRule[]>(ageMsMax, readPaymentRules);

export async function readPaymentRules(db: Database | Trx, brand: string): Promise<readonly PaymentRule[]> {
  const rows = await db
    .selectFrom('payments.paymentRule')
    .distinctOn('name')
    .selectAll()
    .where('brand', '=', brand)
    .orderBy('name')
    .orderBy('version', 'desc')
    .execute();
  return rows.filter(({ isActive }) => isActive).map((row) => ruleRow.parse(row));
}

const retryRow = z.object({
  id: z.string(),
  network: z.string(),
  rule: z.enum(['attempts', 'reattempts', 'never', 'wait']),
  windowS: z.number().nullable(),
  maximum: z.number(),
  scope: z.enum(['card', 'card-currency', 'card-amount', 'card-amount-currency']),
  codes: z.array(z.string()),
  adviceCodes: z.array(z.string()),
  declineClass: z.string().nullable(),
  imposedBy: z.enum(['network', 'acquirer', 'operator']),
  psp: z.string().nullable(),
});

/** Over all brands: a network counts what a card does at the merchant, whichever its name. */
const readCurrent = rememberShortly<readonly RetryRule[]>(ageMsMax, (db) => readRetryRules(db));

export const currentRetryRules = (db: Database): Promise<readonly RetryRule[]> => readCurrent(db, '');

export async function readRetryRules(db: Database | Trx): Promise<readonly RetryRule[]> {
  const rows = await db
    .selectFrom('payments.retryRule')
    .selectAll()
    .where('confirmedBy', 'is not', null)
    .where('validFrom', '<=', sql<Date>`now()`)
    .where((eb) => eb.or([eb('validTo', 'is', null), eb('validTo', '>', sql<Date>`now()`)]))
    .orderBy('createdAt')
    .orderBy('id')
    .execute();
  return rows.map((row) => retryRow.parse(row));
}

/** Against trying out card numbers: different cards refused, by who tries them. */
const shipped = [
  { name: 'cards-tried-by-device', subject: 'device', countMax: 8 },
  { name: 'cards-tried-from-address', subject: 'ip', countMax: 40 },
] as const;

/** Gives every brand its first rules; running it again is harmless. */
export async function seedPaymentRules(trx: Database | Trx): Promise<void> {
  const brands = await trx.selectFrom('pam.brand').select('id').execute();
  for (const { id: brand } of brands) {
    for (const rule of shipped) {
      await trx
        .insertInto('payments.paymentRule')
        .values({
          ...rule,
          id: sql<string>`gen_random_uuid()`,
          brand,
          version: 1,
          flow: 'deposit',
          measure: 'declined-cards',
          method: 'card',
          windowS: 3_600,
          isActive: true,
          author: 'system:seed',
          reason: 'shipped with the platform',
        })
        .onConflict((conflict) => conflict.columns(['brand', 'name', 'version']).doNothing())
        .execute();
    }
  }
}
