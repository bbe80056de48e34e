/** Settings that decide about money, as staff propose them: each a version of what its kind, brand and scope name. */
import { z } from 'zod';
import { roleNames } from '../backoffice/roles.ts';
import { moneySchema } from '../money.schema.ts';
import { captureModes } from './capture-mode.ts';
import { routedPsps } from './routing-fields.ts';

const brand = z
  .string()
  .regex(/^(?:\*|[a-z][a-z0-9-]{0,39})$/, 'must be a brand, or * for all without their own');
const ownBrand = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a brand');
const bps = z.int().min(0).max(10_000);
const asset = z.string().regex(/^[A-Z]{3,10}$/);

const pspFee = z.strictObject({
  kind: z.literal('psp-fee'),
  psp: z.enum(routedPsps),
  movement: z.enum(['charge', 'refund', 'dispute', 'dispute-reversal', 'payout']),
  bps,
  /** Minor units of the movement's currency. */
  fixedMinor: z.int().min(0).max(1_000_000),
});

const withdrawalFee = z.strictObject({
  kind: z.literal('withdrawal-fee'),
  brand,
  method: z.enum(['card', 'e-wallet', 'bank-account', 'crypto-address']),
  bps,
  fixed: moneySchema,
  freePerMonth: z.int().min(0).max(1_000),
});

const approverBand = z.strictObject({
  kind: z.literal('approver-band'),
  brand,
  role: z.enum(roleNames),
  asset: z.union([asset, z.literal('*')]),
  /** In the asset; null is without an end. */
  amountMax: z.union([moneySchema.shape.amount, z.null()]),
});

/** What becomes of money that a PSP took and that credits nothing: back by itself, or a person has it. */
const chargePolicy = {
  brand: ownBrand,
  jurisdiction: z.string().regex(/^[A-Z]{2}(?:-[A-Z0-9]{1,5})?$/),
  action: z.enum(['refund', 'person']),
};

const secondCharge = z.strictObject({ kind: z.literal('second-charge'), ...chargePolicy });

/** Of a charge whose authentication may not be used. Apart from the one above: a brand may trust one and not the other. */
const unauthenticatedCharge = z.strictObject({ kind: z.literal('unauthenticated-charge'), ...chargePolicy });

const pspRoute = z.strictObject({
  kind: z.literal('psp-route'),
  brand: ownBrand,
  method: z.enum(['card', 'e-wallet']),
  currency: asset,
  /** In the order in which they are tried where no rules are live. */
  psps: z
    .array(z.enum(routedPsps))
    .min(1)
    .max(routedPsps.length)
    .refine((list) => new Set(list).size === list.length, 'names a PSP twice'),
  captureMode: z.enum(captureModes),
});

export const settingSchema = z.discriminatedUnion('kind', [
  pspFee,
  withdrawalFee,
  approverBand,
  secondCharge,
  unauthenticatedCharge,
  pspRoute,
]);

export type Setting = z.infer<typeof settingSchema>;
