/** Acts that open or change a brake of the cashier, as one person proposes them and another one carries them out. */
import { z } from 'zod';
import { kycLevels } from '../kyc/levels.ts';
import { listKinds } from './lists.ts';
import { paymentFlows, paymentMeasures, paymentMethods, paymentSubjects } from './payment-rules.ts';

const integerText = z.string().regex(/^\d+$/);

const paymentRule = z.strictObject({
  kind: z.literal('payment-rule'),
  /** The version that was in force when it was proposed. */
  after: z.int().min(1),
  brand: z.string(),
  name: z.string(),
  flow: z.enum(paymentFlows),
  measure: z.enum(paymentMeasures),
  subject: z.enum(paymentSubjects),
  method: z.enum(paymentMethods).nullable(),
  jurisdiction: z.string().nullable(),
  country: z.string().nullable(),
  asset: z.string().nullable(),
  /** Units at ledger scale. */
  amount: integerText.nullable(),
  countMax: z.int().nullable(),
  kycLevel: z.enum(kycLevels).nullable(),
  windowS: z.int().nullable(),
  /** Has passed the checker when it was proposed; it is checked again whenever the rule is read. */
  condition: z.unknown().optional(),
  isActive: z.boolean(),
});

const whiteEntry = z.strictObject({
  kind: z.literal('white-entry'),
  brand: z.string(),
  of: z.enum(listKinds),
  /** As the list keeps it: personal values as their keyed hash. */
  key: z.string(),
  network: z.string().nullable(),
  skips: z.array(z.string()).min(1),
  expiresAt: z.iso.datetime().nullable(),
});

const entryEnding = z.strictObject({
  kind: z.literal('entry-ending'),
  brand: z.string(),
  entryId: z.uuid(),
});

const rampTerms = z.strictObject({
  kind: z.literal('ramp-terms'),
  after: z.int().min(1),
  brand: z.string(),
  lifetimeS: z.int(),
  onRampSpreadBps: z.int(),
  offRampSpreadBps: z.int(),
  isActive: z.boolean(),
});

export const actOfTwoSchema = z.discriminatedUnion('kind', [paymentRule, whiteEntry, entryEnding, rampTerms]);

export type ActOfTwo = z.infer<typeof actOfTwoSchema>;

export const actKinds = [
  'payment-rule',
  'white-entry',
  'entry-ending',
  'ramp-terms',
] as const satisfies readonly ActOfTwo['kind'][];
