/** Captures and voids at Stripe: synchronous, and the intent itself is the arbiter of a lost answer. */
import type Stripe from 'stripe';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { ModificationOrder, PspModifications } from '../connectors.ts';
import { fromMinorNumber, minorNumber } from './minor-units.ts';

export type StripeCalls = {
  called(call: () => Promise<PspOutcome>): Promise<PspOutcome>;
  asked(question: () => Promise<PspOutcome>): Promise<PspOutcome>;
  /** What is turned away by its content stays so. */
  refused(outcome: PspOutcome): PspOutcome;
  readonly processingMsMax: number;
};

export function stripeModifications(stripe: Stripe, calls: StripeCalls): PspModifications {
  return {
    modify: (order) =>
      calls
        .called(async () => {
          const options = { idempotencyKey: order.reference };
          return endOf(
            order,
            order.kind === 'capture'
              ? await stripe.paymentIntents.capture(
                  order.chargeReference,
                  {
                    amount_to_capture: minorNumber(order.money),
                    ...(order.isFinal ? {} : { final_capture: false }),
                  },
                  options,
                )
              : await stripe.paymentIntents.cancel(order.chargeReference, {}, options),
            calls.processingMsMax,
          );
        })
        .then((outcome) => calls.refused(outcome)),
    modificationStatus: (order) =>
      calls.asked(async () =>
        endOf(order, await stripe.paymentIntents.retrieve(order.chargeReference), calls.processingMsMax),
      ),
  };
}

/**
 * The intent tells sums: what they grew by since the captures before is this one's, because there is one at a time.
 * Cancelled after a part was captured it may count as succeeded; what is not received then is given up all the same.
 */
function endOf(
  { kind, ageMs, capturedBefore }: ModificationOrder,
  intent: Stripe.PaymentIntent,
  processingMsMax: number,
): PspOutcome {
  const done = (minor: number): PspOutcome => ({
    kind: 'approved',
    pspReference: intent.id,
    processed: fromMinorNumber(minor, intent.currency),
    instrument: null,
  });
  const otherwise = (rawCode: string): PspOutcome => ({
    kind: 'declined',
    pspReference: intent.id,
    declineClass: 'generic',
    rawCode,
    networkCode: null,
  });
  const received = intent.amount_received;
  const before = minorNumber(capturedBefore);
  if (received < before) return { kind: 'unknown', reason: 'less was received than before' };
  if (received > before) return kind === 'capture' ? done(received - before) : otherwise('already captured');
  switch (intent.status) {
    case 'succeeded':
      return kind === 'void' && received > 0 && received < intent.amount
        ? done(intent.amount - received)
        : otherwise('already captured');
    case 'canceled':
      return kind === 'void' ? done(intent.amount - received) : otherwise('already cancelled');
    case 'requires_capture':
      return { kind: 'not_found', authoritative: ageMs >= processingMsMax };
    default:
      return { kind: 'unknown', reason: `the intent is ${intent.status}` };
  }
}
