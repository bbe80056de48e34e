/** What a test or a demo may order this bank to do. */
import { z } from 'zod';

const reasons = z.record(z.string(), z.string().regex(/^[A-Z]{2}\d{2}$/));

export const bankScenario = z.strictObject({
  /** accept: each payment by itself. reject: the whole file. */
  files: z.enum(['accept', 'reject']).default('accept'),
  /** Payments to these IBANs are refused, by ISO reason code. */
  rejects: reasons.default({}),
  /** Payments to these IBANs are booked, and come back after `returnMs`. */
  returns: reasons.default({}),
  /** How an upload ends: taken and never answered, taken and answered with 500, broken before it is looked at, 503. */
  upload: z.enum(['normal', 'silence_taken', 'error_500_taken', 'drop', 'outage']).default('normal'),
  /** Statements and notices leave out what the payment was called. */
  omitsEndToEndId: z.boolean().default(false),
  /** Every report is delivered twice. */
  repeatsReports: z.boolean().default(false),
  /** Until a file is answered, until a payment is booked, until it comes back. */
  statusMs: z.int().min(0).default(200),
  bookMs: z.int().min(0).default(300),
  returnMs: z.int().min(0).default(300),
  timeoutMs: z.int().min(0).default(35_000),
});
export type BankScenario = z.infer<typeof bankScenario>;

/** A transfer that somebody makes to our account. */
export const incomingOrder = z.strictObject({
  name: z.string().min(1).max(70),
  iban: z.string().regex(/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/),
  cents: z.int().positive(),
  /** In the structured field. */
  reference: z.string().max(35).optional(),
  /** In the free text. */
  text: z.string().max(140).optional(),
});
export type IncomingOrder = z.infer<typeof incomingOrder>;
