/** /payments and /payments/details of the Checkout API. A refusal is HTTP 200 here; there is no way to ask for a status. */
import type { PartyApp } from '../../support/party-server.ts';
import type { ExemptionName } from '../authentications.ts';
import { challengeUrl } from '../challenge-page.ts';
import { declines, type DeclineName } from '../declines.ts';
import type { StoredAnswer } from '../idempotency.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { pspReference } from '../references.ts';
import { minorUnits, Refusal } from '../refusal.ts';
import type { AdyenSettings } from '../settings.ts';
import type { PaymentRow } from '../tables.ts';
import { detailsBody, paymentBody, type PaymentBody } from './adyen-bodies.schema.ts';
import { answerWrite } from './adyen-requests.ts';

function cardData(payment: PaymentRow, psp: Psp): Record<string, string> {
  const card = psp.vault.find(payment.card_id);
  if (card === undefined) {
    const payer = psp.payments.payerOf(payment.id);
    return payer === undefined ? {} : { paymentMethod: 'paypal', paypalPayerId: payer };
  }
  const shopper = psp.scenario.current().shopper ?? card.shopper;
  return {
    cardSummary: card.last4,
    cardBin: card.bin,
    alias: card.fingerprint,
    paymentMethod: card.brand,
    expiryDate: `${card.exp_month}/${card.exp_year}`,
    'recurring.recurringDetailReference': card.id,
    cardIssuingCountry: 'MT',
    ...(shopper === null ? {} : { 'recurring.shopperReference': shopper }),
    ...authenticationData(payment, psp),
  };
}

const scaNames = {
  low_value: 'lowValue',
  tra: 'transactionRiskAnalysis',
  trusted: 'trustedBeneficiary',
  mit: undefined,
} as const;

const scaOf = (name: string | undefined): ExemptionName | undefined =>
  (['low_value', 'tra', 'trusted'] as const).find((known) => scaNames[known] === name);

/** With the cryptogram, which the real one gives away where the account is set up for it. */
function authenticationData(payment: PaymentRow, psp: Psp): Record<string, string> {
  const done = psp.authentications.of(payment.id);
  if (done === undefined) return {};
  const exemption = done.exemption === null ? undefined : scaNames[done.exemption];
  const given = {
    scaExemptionRequested: exemption,
    threeDAuthenticatedResponse: 'YANU'.includes(done.status ?? '-') ? done.status : undefined,
    threeDOfferedResponse: done.status,
    eci: done.eci,
    dsTransID: done.dsId,
    threeDSVersion: done.version,
    cavv: done.cavv,
  };
  return Object.fromEntries(
    Object.entries(given).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
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
            paymentMethodType: psp.payments.walletOf(payment.id) ?? 'scheme',
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
      return {
        status: 200,
        body: {
          pspReference: payment.id,
          resultCode: 'Received',
          ...merchant,
          additionalData: cardData(payment, psp),
        },
      };
    default:
      return {
        status: 200,
        body: {
          pspReference: payment.id,
          resultCode: 'Authorised',
          ...merchant,
          amount: { value: payment.amount, currency: payment.currency },
          paymentMethod: {
            type: psp.payments.walletOf(payment.id) ?? 'scheme',
            brand: psp.vault.find(payment.card_id)?.brand ?? '',
          },
          additionalData: {
            ...cardData(payment, psp),
            authCode: String(100_000 + (payment.created_at_ms % 900_000)),
          },
        },
      };
  }
}

/** The stored card that is named, or the one in the request, which is kept as if its shopper had stored it. */
function cardOf(psp: Psp, { paymentMethod, shopperReference }: PaymentBody): string | null {
  if ('storedPaymentMethodId' in paymentMethod) return paymentMethod.storedPaymentMethodId;
  if (!('number' in paymentMethod)) return null;
  if (paymentMethod.cvc !== undefined && !/^\d{3,4}$/.test(paymentMethod.cvc))
    throw new Refusal('invalid_card', 'CVC is not the right length', 'cvc');
  return psp.vault.store({
    id: pspReference(),
    number: paymentMethod.number,
    expMonth: Number(paymentMethod.expiryMonth),
    expYear: Number(paymentMethod.expiryYear),
    shopper: shopperReference ?? null,
  }).id;
}

export function serveAdyenPayments(app: PartyApp, psp: Psp, settings: AdyenSettings): void {
  const { merchantAccount } = settings;
  app.post('/:version{v\\d+}/payments', (c) =>
    answerWrite(c, psp, {
      schema: paymentBody,
      merchantAccount,
      work(body, key) {
        const payment = psp.payments.create({
          id: pspReference(),
          reference: body.reference,
          cardId: cardOf(psp, body),
          wallet: body.paymentMethod.type === 'paypal' ? 'paypal' : undefined,
          asked: {
            exemption:
              body.shopperInteraction === 'ContAuth' ? 'mit' : scaOf(body.additionalData['scaExemption']),
            ...(body.mpiData === undefined
              ? {}
              : {
                  imported: {
                    cavv: body.mpiData.cavv,
                    eci: body.mpiData.eci,
                    dsId: body.mpiData.dsTransID,
                    version: body.mpiData.threeDSVersion,
                    status: body.mpiData.directoryResponse,
                  },
                }),
          },
          amount: minorUnits(body.amount.value, 'amount.value'),
          currency: body.amount.currency,
          manualCapture: body.additionalData['manualCapture'] === 'true' || (body.captureDelayHours ?? 0) > 0,
          severalCaptures: settings.severalCaptures,
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
