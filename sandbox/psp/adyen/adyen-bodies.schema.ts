/** The parts of Adyen's request bodies that this PSP reads; everything else is let through, as the real one adds fields freely. */
import { z } from 'zod';

const amount = z.object({ value: z.int().nonnegative(), currency: z.string().regex(/^[A-Z]{3}$/) });
const merchantAccount = z.string();
const reference = z.string().max(80);

export const storeCardBody = z.object({
  merchantAccount,
  shopperReference: z.string().min(3),
  paymentMethod: z.object({
    type: z.literal('scheme'),
    number: z.string(),
    expiryMonth: z.string(),
    expiryYear: z.string(),
    cvc: z.string().optional(),
    holderName: z.string().optional(),
  }),
});

export const paymentBody = z.object({
  merchantAccount,
  amount,
  reference,
  returnUrl: z.string(),
  paymentMethod: z.union([
    z.object({ type: z.literal('paypal') }),
    z.object({ type: z.literal('scheme').default('scheme'), storedPaymentMethodId: z.string() }),
    // Of a merchant that keeps cards by itself.
    z.object({
      type: z.literal('scheme').default('scheme'),
      number: z.string(),
      expiryMonth: z.string(),
      expiryYear: z.string(),
      cvc: z.string().optional(),
      holderName: z.string().optional(),
    }),
  ]),
  shopperInteraction: z.string().optional(),
  mpiData: z
    .object({
      cavv: z.string(),
      eci: z.string(),
      dsTransID: z.string(),
      threeDSVersion: z.string(),
      directoryResponse: z.string().default('Y'),
    })
    .optional(),
  shopperReference: z.string().optional(),
  metadata: z.record(z.string(), z.string()).default({}),
  additionalData: z.record(z.string(), z.string()).default({}),
  authenticationData: z.object({ attemptAuthentication: z.string().optional() }).optional(),
  captureDelayHours: z.int().optional(),
});

export type PaymentBody = z.infer<typeof paymentBody>;

export const detailsBody = z.object({ details: z.object({ redirectResult: z.string() }) });

export const modificationBody = z.object({
  merchantAccount,
  amount: amount.optional(),
  reference: reference.optional(),
});

export const payoutBody = z.object({
  merchantAccount,
  amount,
  reference,
  shopperReference: z.string().optional(),
  selectedRecurringDetailReference: z.string().optional(),
  paymentMethod: z.object({ storedPaymentMethodId: z.string() }).optional(),
});

export const reviewBody = z.object({ merchantAccount, originalReference: z.string() });
