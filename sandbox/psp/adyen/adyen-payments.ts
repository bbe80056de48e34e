/** /payments and /payments/details of the Checkout API. A refusal is HTTP 200 here; there is no way to ask for a status. */
import type { PartyApp } from '../../support/party-server.ts';
import { challengeUrl } from '../challenge-page.ts';
import { declines, type DeclineName } from '../declines.ts';
import type { StoredAnswer } from '../idempotency.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { pspReference } from '../references.ts';
import { minorUnits, Refusal } from '../refusal.ts';
import type { AdyenSettings } from '../settings.ts';
import type { PaymentRow } from '../tables.ts';
import { detailsBody, paymentBody } from './adyen-bodies.schema.ts';
import { answerWrite } from './adyen-requests.ts';

function cardData(payment: PaymentRow, psp: Psp): Record<string, string> {
  const card = psp.vault.find(payment.card_id);
  if (card === undefined) return {};
  return {
    cardSummary: card.last4,
    cardBin: card.bin,
    alias: card.fingerprint,
    paymentMethod: card.brand,
    expiryDate: `${card.exp_month}/${card.exp_year}`,
    'recurring.recurringDetailReference': card.id,
    ...(card.shopper === null ? {} : { 'recurring.shopperReference': card.shopper }),
  };
}

export function paymentAnswer(payment: PaymentRow, psp: Psp): StoredAnswer {
  const merchant = { merchantReference: payment.reference ?? '' };
  switch (payment.status) {
    case 'challenge':
      // No pspReference before the shopper is back; the real one withholds it too.
      return {
        status: 200,
        body: {
          resultCode: 'RedirectShopper',
          action: {
            type: 'redirect',
            paymentMethodType: 'scheme',
            method: 'GET',
            url: challengeUrl(psp, payment.challenge ?? ''),
          },
        },
      };
    case 'declined': {
      const { adyen, networkCode, networkText } = declines[payment.decline as DeclineName];
      const raw =
        networkCode === ''
          ? {}
          : { refusalReasonRaw: `${networkCode} : ${networkText}`, refusalCodeRaw: networkCode };
      return {
        status: 200,
        body: {
          pspReference: payment.id,
          ...adyen,
          ...merchant,
          additionalData: { ...cardData(payment, psp), ...raw },
        },
      };
    }
    case 'processing':
    case 'late':
      return { status: 200, body: { pspReference: payment.id, resultCode: 'Received', ...merchant } };
    default:
      return {
        status: 200,
        body: {
          pspReference: payment.id,
          resultCode: 'Authorised',
          ...merchant,
          amount: { value: payment.amount, currency: payment.currency },
          paymentMethod: { type: 'scheme', brand: psp.vault.find(payment.card_id)?.brand ?? '' },
          additionalData: {
            ...cardData(payment, psp),
            authCode: String(100_000 + (payment.created_at_ms % 900_000)),
          },
        },
      };
  }
}

export function serveAdyenPayments(app: PartyApp, psp: Psp, { merchantAccount }: AdyenSettings): void {
  app.post('/:version{v\\d+}/payments', (c) =>
    answerWrite(c, psp, {
      schema: paymentBody,
      merchantAccount,
      work(body, key) {
        const payment = psp.payments.create({
          id: pspReference(),
          reference: body.reference,
          cardId: body.paymentMethod.storedPaymentMethodId,
          amount: minorUnits(body.amount.value, 'amount.value'),
          currency: body.amount.currency,
          manualCapture: body.additionalData['manualCapture'] === 'true' || (body.captureDelayHours ?? 0) > 0,
          threeDsAsked:
            body.authenticationData?.attemptAuthentication === 'always' ||
            body.additionalData['executeThreeD'] === 'true',
          returnUrl: body.returnUrl,
          shopper: body.shopperReference ?? null,
          metadata: body.metadata,
          description: null,
          idempotencyKey: key,
        });
        const card = psp.vault.find(payment.card_id);
        // A token belongs to one shopper.
        if (card !== undefined && card.shopper !== payment.shopper)
          throw new Refusal('not_found', 'Contract not found', 'payment_method');
        const { delivery, happened } = psp.payments.authorise(payment);
        if (!happened) throw new RequestLost(delivery === 'drop' ? 'drop' : 'silence');
        return { answer: paymentAnswer(payment, psp), delivery, answeredLater: payment.status === 'late' };
      },
    }),
  );

  app.post('/:version{v\\d+}/payments/details', (c) =>
    answerWrite(c, psp, {
      schema: detailsBody,
      merchantAccount,
      work(body) {
        const { redirectResult } = body.details;
        const payment = psp.payments.findRedirectResult(redirectResult);
        if (payment === undefined)
          throw new Refusal('missing_parameter', "Field 'details.redirectResult' is not valid.");
        if (payment.result_used === 1)
          throw new Refusal('already_processed', 'request already processed or in progress');
        psp.payments.useChallengeResult(payment, redirectResult.startsWith('Y'));
        return { answer: paymentAnswer(payment, psp) };
      },
    }),
  );
}
