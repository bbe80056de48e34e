/** The parts of Checkout.com's request bodies that this PSP reads; everything else is let through. */
import { z } from 'zod';

const amount = z.int().positive();
const currency = z.string().regex(/^[A-Z]{3}$/);
const reference = z.string().max(80);

export const tokenBody = z.object({
  type: z.literal('card'),
  number: z.string(),
  expiry_month: z.int(),
  expiry_year: z.int(),
  cvv: z.string().optional(),
});

const chargeSource = z.discriminatedUnion('type', [
  z.object({ type: z.literal('token'), token: z.string() }),
  z.object({ type: z.literal('id'), id: z.string() }),
]);

export const chargeBody = z.object({
  source: z.union([chargeSource, z.object({ type: z.literal('paypal') })]),
  payment_type: z.string().optional(),
  merchant_initiated: z.boolean().default(false),
  amount,
  currency,
  reference: reference.optional(),
  processing_channel_id: z.string(),
  capture: z.boolean().default(true),
  '3ds': z
    .object({
      enabled: z.boolean().default(false),
      attempt_n3d: z.boolean().default(true),
      challenge_indicator: z.string().optional(),
      exemption: z.string().optional(),
      eci: z.string().optional(),
      cryptogram: z.string().optional(),
      xid: z.string().optional(),
      version: z.string().optional(),
    })
    .default({ enabled: false, attempt_n3d: true }),
  success_url: z.string().optional(),
  failure_url: z.string().optional(),
  metadata: z.record(z.string(), z.string()).default({}),
  description: z.string().optional(),
});

export const payoutBody = z.object({
  source: z.object({ type: z.literal('currency_account'), id: z.string() }),
  destination: chargeSource,
  amount,
  currency,
  reference: reference.optional(),
  processing_channel_id: z.string(),
});

export const paymentBody = z.union([payoutBody, chargeBody]);

export const modificationBody = z.object({
  amount: amount.optional(),
  reference: reference.optional(),
  capture_type: z.enum(['NonFinal', 'Final']).default('Final'),
});

/** Texts are short here; what is longer is uploaded as a file. */
export const evidenceBody = z
  .object({ additional_evidence_text: z.string().min(1).max(500).optional() })
  .refine((body) => body.additional_evidence_text !== undefined, { path: ['evidence'] });

export const noBody = z.object({});
