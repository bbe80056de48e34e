/** Payment rules of brands and retry rules of cards as they are in force, kept in the process for two seconds. */
import { sql, type Selectable } from 'kysely';
import { z } from 'zod';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsPaymentRule } from '#db/schema.generated.ts';
import { kycLevels } from '#domain/kyc/levels.ts';
import {
  paymentFlows,
  paymentMeasures,
  paymentSubjects,
  type PaymentRule,
} from '#domain/payments/payment-rules.ts';
import { readLimitCondition } from '#domain/payments/limit-condition.ts';
import type { RetryRule } from '#domain/payments/retry-rules.ts';
import { closedInstead, noSecondTry } from '#domain/payments/unreadable-rules.ts';
import { rememberShortly } from '../short-memory.ts';
import { noteUnreadable, type UnreadableRule } from './unreadable-rules.ts';

/** So long may a rule lag behind its setting; what is counted never does. */
const ageMsMax = 2_000;

const scope = {
  id: z.string(),
  name: z.string(),
  version: z.number(),
  flow: z.enum(paymentFlows),
  method: z.string().nullable(),
  jurisdiction: z.string().nullable(),
  country: z.string().nullable(),
  asset: z.string().nullable(),
};

const legibleScope = z.object(scope);

const ruleRow = z.object({
  ...scope,
  measure: z.enum(paymentMeasures),
  subject: z.enum(paymentSubjects),
  amount: z
    .string()
    .regex(/^\d+$/)
    .nullable()
    .transform((text) => (text === null ? null : BigInt(text))),
  countMax: z.number().nullable(),
  kycLevel: z.enum(kycLevels).nullable(),
  windowS: z.number().nullable(),
  condition: z.unknown().transform((tree, context) => {
    if (tree === null || tree === undefined) return null;
    const read = readLimitCondition(tree);
    if (read.ok) return { tree, holds: read.value.holds };
    context.addIssue({ code: 'custom', message: read.failure.detail });
    return z.NEVER;
  }),
});

/**
 * Of a brand: the highest version of every name, unless it ends the rule. Of a name whose highest version cannot be read, the
 * one before it that can holds; where there is none, what the rule speaks of is closed.
 */
export const currentPaymentRules = rememberShortly<readonly PaymentRule[]>(ageMsMax, readPaymentRules);

async function readPaymentRules(db: Database, brand: string): Promise<readonly PaymentRule[]> {
  const rows = await db
    .selectFrom('payments.paymentRule')
    .distinctOn('name')
    .selectAll()
    .where('brand', '=', brand)
    .orderBy('name')
    .orderBy('version', 'desc')
    .execute();
  const rules: PaymentRule[] = [];
  const unread: UnreadableRule[] = [];
  const place = { ruleSet: 'payments.payment-rules', state: 'live', brand } as const;
  for (const row of rows.filter(({ isActive }) => isActive)) {
    const read = ruleRow.safeParse(row);
    if (read.success) {
      rules.push(read.data);
      continue;
    }
    const instead = await readableBefore(db, row);
    if (instead !== null) rules.push(instead);
    const reason = `version ${row.version} of ${row.name} is in force and this build cannot read it`;
    unread.push({
      ...place,
      subject: `payment-rule:${row.id}`,
      reason:
        instead === null || instead.version === row.version
          ? reason
          : `${reason}; version ${instead.version} holds meanwhile`,
    });
  }
  await noteUnreadable(db, place, unread);
  return rules;
}

/** Null for a flow that this build does not know: it makes no such payment, and there is nothing to close. */
async function readableBefore(
  db: Database,
  row: Selectable<PaymentsPaymentRule>,
): Promise<PaymentRule | null> {
  const earlier = await db
    .selectFrom('payments.paymentRule')
    .selectAll()
    .where('brand', '=', row.brand)
    .where('name', '=', row.name)
    .where('version', '<', row.version)
    .orderBy('version', 'desc')
    .limit(versionsMax)
    .execute();
  for (const version of earlier) {
    // Somebody ended it then: what holds now was imposed anew, and nobody can read as what.
    if (!version.isActive) break;
    const read = ruleRow.safeParse(version);
    if (read.success) return read.data;
  }
  const legible = legibleScope.safeParse(row);
  return legible.success ? closedInstead(legible.data) : null;
}

/** So far back is looked for a version that can be read. */
const versionsMax = 20;

const retryPlace = { id: z.string(), network: z.string(), psp: z.string().nullable() };
const legibleRetry = z.object(retryPlace);

const retryRow = z.object({
  ...retryPlace,
  rule: z.enum(['attempts', 'reattempts', 'never', 'wait']),
  windowS: z.number().nullable(),
  maximum: z.number(),
  scope: z.enum(['card', 'card-currency', 'card-amount', 'card-amount-currency']),
  codes: z.array(z.string()),
  adviceCodes: z.array(z.string()),
  declineClass: z.string().nullable(),
  imposedBy: z.enum(['network', 'acquirer', 'operator']),
});

/** A row that cannot be read bars a second try at the cards that it speaks of. Over all brands: a network counts what a card does at the merchant, whichever its name. */
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
  const unread: UnreadableRule[] = [];
  const place = { ruleSet: 'payments.retry-rules', state: 'live', brand: null } as const;
  const rules = rows.map((row): RetryRule => {
    const read = retryRow.safeParse(row);
    if (read.success) return read.data;
    unread.push({
      ...place,
      subject: `retry-rule:${row.id}`,
      reason: `a retry rule of ${row.network} is in force and this build cannot read it`,
    });
    return noSecondTry(legibleRetry.parse(row));
  });
  await noteUnreadable(db, place, unread);
  return rules;
}
