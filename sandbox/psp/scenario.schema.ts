/** What a test or a demo may order this PSP to do; sent to PUT /_scenario, missing fields take their defaults. */
import { z } from 'zod';
import { webhookFaults } from '../support/webhook-queue.ts';
import { behaviourName } from './behaviours.ts';

/** These act on every API request before it is looked at. */
const connectionModes = ['outage', 'drop', 'rate_limited', 'slow'] as const;

export const scenarioSchema = z.strictObject({
  /** normal lets the card decide; a behaviour overrules every card; the others act on the connection. */
  mode: z.union([z.enum(['normal', ...connectionModes]), behaviourName]).default('normal'),
  /** By card id or last four digits; overrules mode. `times` counts down to nothing. */
  cards: z
    .record(z.string(), z.strictObject({ behaviour: behaviourName, times: z.int().min(1).optional() }))
    .default({}),
  /** As mode, for payouts only. */
  payoutMode: z.union([z.literal('normal'), behaviourName]).default('normal'),
  webhook: webhookFaults.prefault({}),
  /** What becomes of a payment whose player said yes at the wallet. */
  wallet: z.enum(['normal', 'pending', 'pending_declined']).default('normal'),
  /** The account at the wallet that says yes; left out, each shopper has one of his own. */
  walletPayer: z
    .string()
    .regex(/^[A-Z0-9]{13}$/)
    .nullable()
    .default(null),
  /** What becomes of money that is given back to a wallet; `returns`: it was paid, and after `lateMs` it comes back. */
  walletRefund: z.enum(['normal', 'fails', 'returns']).default('normal'),
  /** How a capture or a void that was carried out is answered. */
  modifyDelivery: z.enum(['answer', 'drop', 'silence', 'error500']).default('answer'),
  /** Whether an authorisation for which several captures were asked gets them. */
  severalCaptures: z.enum(['granted', 'refused']).default('granted'),
  /** Whom every payment is told to be of, whatever was sent with it. */
  shopper: z.string().min(3).max(100).nullable().default(null),
  /** How long a silent connection is held before it breaks. */
  timeoutMs: z.int().min(0).default(35_000),
  /** How long `slow` takes to answer; longer than the webhook's delay. */
  latencyMs: z.int().min(0).default(3_000),
  /** When a late or a processing payment comes through. */
  lateMs: z.int().min(0).default(5_000),
  /** How long a 3-D Secure page may be answered, where the dialect ends it by itself (Checkout.com). */
  challengeMs: z.int().min(0).default(900_000),
  /** How long a payout stays pending. */
  payoutMs: z.int().min(0).default(300),
  /** A search index lags behind; listing does not. */
  searchLagMs: z.int().min(0).default(1_000),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type ConnectionMode = (typeof connectionModes)[number];

export const isConnectionMode = (mode: Scenario['mode']): mode is ConnectionMode =>
  (connectionModes as readonly string[]).includes(mode);

export const refuseOrder = z.strictObject({ durationMs: z.int().min(1).max(120_000) });
