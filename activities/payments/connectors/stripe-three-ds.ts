/** 3-D Secure in Stripe's words. Stripe decides on exemptions itself and gives no cryptogram away; it takes one over. */
import type Stripe from 'stripe';
import type { Exemption, ThreeDsResult, TransStatus } from '#domain/payments/three-ds.ts';
import type { PaymentOrder } from '../connectors.ts';

/** A merchant-initiated payment is all that Stripe lets us say. */
export const stripeExemptions: readonly Exemption[] = ['merchant-initiated'];

type CardOptions = Stripe.PaymentIntentCreateParams.PaymentMethodOptions.Card;

/** Options of the card, several captures among them. Left out where nothing is asked: a request without it is Stripe's own "automatic". */
export function stripeThreeDs(
  order: PaymentOrder,
): Pick<Stripe.PaymentIntentCreateParams, 'payment_method_options' | 'off_session'> {
  const card: CardOptions = {};
  if (order.portable !== null) {
    const { cavv, eci, dsTransactionId, version, transStatus } = order.portable;
    card.three_d_secure = {
      cryptogram: cavv,
      transaction_id: dsTransactionId,
      version,
      electronic_commerce_indicator: eci,
      ares_trans_status: transStatus,
    };
  } else if (order.threeDs.want === 'challenge-mandated') card.request_three_d_secure = 'challenge';
  else if (order.threeDs.want === 'challenge-preferred') card.request_three_d_secure = 'any';
  if (order.captureMode === 'in-parts') card.request_multicapture = 'if_available';
  return {
    ...(Object.keys(card).length > 0 ? { payment_method_options: { card } } : {}),
    ...(order.threeDs.exemption === 'merchant-initiated' ? { off_session: true } : {}),
  };
}

export function stripeResult(charge: Stripe.Charge | null): ThreeDsResult | null {
  const card = charge?.payment_method_details?.card;
  if (!card) return null;
  const told = card.three_d_secure;
  return {
    transStatus: told ? statusOf(told) : null,
    eci: told?.electronic_commerce_indicator ?? null,
    dsTransactionId: told?.transaction_id ?? null,
    version: told?.version ?? null,
    network: card.network ?? card.brand ?? null,
    issuerCountry: card.country ?? null,
    exemptionGranted:
      told?.exemption_indicator === 'low_risk' && told.exemption_indicator_applied === true ? 'tra' : null,
  };
}

type Told = NonNullable<Stripe.Charge.PaymentMethodDetails.Card['three_d_secure']>;

function statusOf({ result, result_reason: reason }: Told): TransStatus | null {
  switch (result) {
    case 'authenticated':
      return 'Y';
    case 'attempt_acknowledged':
      return 'A';
    case 'failed':
      return reason === 'rejected' ? 'R' : 'N';
    case 'not_supported':
    case 'processing_error':
      return 'U';
    case 'data_share_only':
      return 'I';
    // Exempted, or a word of a later version: nobody was authenticated.
    default:
      return null;
  }
}
