/** Captures and voids at Adyen: "received" at once, done when a signed notification says so. */
import type { CheckoutAPI } from './adyen-sdk.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { AdyenAccount, ModificationOrder, PspModifications } from '../connectors.ts';
import { AdyenRefusal } from './adyen-client.ts';
import { readEvidence } from './adyen-webhooks.ts';
import { fromMinorNumber, minorNumber } from './minor-units.ts';

export type AdyenCalls = {
  called(call: () => Promise<PspOutcome>): Promise<PspOutcome>;
  asked(question: () => Promise<PspOutcome>): Promise<PspOutcome>;
  failureOutcome(error: unknown): { readonly kind: 'not_sent' | 'unknown'; readonly reason: string };
  /** So long may a key be repeated. */
  readonly replayMsMax: number;
};

export function adyenModifications(
  checkout: CheckoutAPI,
  account: AdyenAccount,
  calls: AdyenCalls,
): PspModifications {
  const { merchantAccount } = account;
  const modify = async (order: ModificationOrder): Promise<PspOutcome> => {
    const { reference } = order;
    const options = { idempotencyKey: reference };
    const amount = { value: minorNumber(order.money), currency: order.money.asset };
    try {
      const { pspReference } =
        order.kind === 'capture'
          ? await checkout.ModificationsApi.captureAuthorisedPayment(
              order.chargeReference,
              { merchantAccount, amount, reference },
              options,
            )
          : await checkout.ModificationsApi.cancelAuthorisedPaymentByPspReference(
              order.chargeReference,
              { merchantAccount, reference },
              options,
            );
      return { kind: 'pending', pspReference };
    } catch (error) {
      const outcome = calls.failureOutcome(error);
      // What Adyen turns away by its content it will turn away for ever: a proven no.
      return error instanceof AdyenRefusal && outcome.kind === 'not_sent' && error.isOfContent
        ? declined(error.errorCode ?? 'refused', null)
        : outcome;
    }
  };
  return {
    modify: (order) => calls.called(() => modify(order)),
    modificationStatus: (order) => {
      const told = noticed(account, order);
      if (told !== null) return Promise.resolve(told);
      if (order.ageMs > calls.replayMsMax)
        return Promise.resolve({ kind: 'not_found', authoritative: false });
      return calls.asked(() => modify(order));
    },
  };
}

/** A failure wins over an earlier success: a capture may fail at the scheme after Adyen had taken it. */
function noticed(account: AdyenAccount, order: ModificationOrder): PspOutcome | null {
  const items = readEvidence(account, order.evidence, order.reference);
  const code = order.kind === 'capture' ? 'CAPTURE' : 'CANCELLATION';
  const failure = items.find(
    ({ eventCode, success }) =>
      (eventCode === 'CAPTURE_FAILED' && success === 'true') || (eventCode === code && success === 'false'),
  );
  if (failure) return declined(failure.eventCode.toLowerCase(), failure.pspReference);
  const success =
    items.find((item) => item.eventCode === code && item.success === 'true') ??
    (order.kind === 'void' ? voidedByHand(account, order) : undefined);
  if (!success) return null;
  return {
    kind: 'approved',
    pspReference: success.pspReference,
    processed: fromMinorNumber(success.amount.value, success.amount.currency),
    instrument: null,
  };
}

/** A cancellation of this charge under another reference than ours: somebody did it in Adyen's own pages. */
const voidedByHand = (account: AdyenAccount, { evidence, chargeReference }: ModificationOrder) =>
  readEvidence(account, evidence, { originalReference: chargeReference }).find(
    ({ eventCode, success }) => eventCode === 'CANCELLATION' && success === 'true',
  );

const declined = (rawCode: string, pspReference: string | null): PspOutcome => ({
  kind: 'declined',
  pspReference,
  declineClass: 'generic',
  rawCode,
  networkCode: null,
});
