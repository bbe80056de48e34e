/** Early fraud warnings in Stripe's words: the object is asked again; it names no amount. */
import type Stripe from 'stripe';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { PspFraudAlerts } from '../connectors.ts';

type Failed = (error: unknown) => Extract<PspOutcome, { kind: 'declined' | 'not_sent' | 'unknown' }>;

export const stripeFraudAlerts = (stripe: Stripe, failed: Failed): PspFraudAlerts => ({
  fraudAlert: async ({ pspReference }) => {
    try {
      const warning = await stripe.radar.earlyFraudWarnings.retrieve(pspReference);
      return { kind: 'told', fraudType: warning.fraud_type, isActionable: warning.actionable, money: null };
    } catch (error) {
      const outcome = failed(error);
      return { kind: 'unknown', reason: outcome.kind === 'declined' ? outcome.rawCode : outcome.reason };
    }
  },
});
