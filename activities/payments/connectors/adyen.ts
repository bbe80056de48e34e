/**
 * A PSP that speaks Adyen's API, through Adyen's own SDK. Adyen has no question for a status: a repeat of the same key
 * tells the first answer again, and what ends later is told by signed notifications only, so those are its evidence.
 */
import { CheckoutAPI, checkoutTypes, PayoutAPI, payoutTypes } from './adyen-sdk.ts';
import { classifyDecline } from '#domain/payments/decline-class.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { ThreeDsResult } from '#domain/payments/three-ds.ts';
import type {
  AdyenAccount,
  PaymentOrder,
  PayoutOrder,
  PspConnector,
  RefundOrder,
  VaultAccount,
} from '../connectors.ts';
import { AdyenRefusal, openAdyenClient } from './adyen-client.ts';
import { adyenDisputes } from './adyen-disputes.ts';
import { adyenFraudAlerts } from './adyen-fraud-alerts.ts';
import { adyenModifications } from './adyen-modifications.ts';
import { adyenSettlement } from './adyen-settlement.ts';
import {
  adyenAdditional,
  adyenExemptions,
  adyenPortable,
  adyenResult,
  adyenThreeDs,
} from './adyen-three-ds.ts';
import { readEvidence, verifyAdyenWebhook } from './adyen-webhooks.ts';
import { cardOfVault, payFromVault } from './adyen-vault.ts';
import { isVaultToken } from './card-vault.ts';
import { cardIdentity } from './card-identity.ts';
import { fromMinorNumber, minorNumber } from './minor-units.ts';
import { transportFailureIn } from './transport.ts';

/** Repeating a charge's key later than this could begin a charge that the player no longer expects. */
const chargeReplayMsMax = 3_600_000;

/** A payout stays wanted until it is paid, so its key may be repeated as long as Adyen keeps it. */
const payoutReplayMsMax = 7 * 24 * 3_600_000;

export function createAdyenConnector(
  name: string,
  account: AdyenAccount,
  timeoutMs: number,
  vault?: VaultAccount,
): PspConnector {
  const client = openAdyenClient(account.url, account.apiKey, timeoutMs);
  const checkout = new CheckoutAPI(client);
  const payouts = new PayoutAPI(client);
  const { merchantAccount } = account;
  const amountOf = ({ money }: Pick<PaymentOrder, 'money'>) => ({
    value: minorNumber(money),
    currency: money.asset,
  });

  const send = (order: PaymentOrder): Promise<PaymentAnswer> => {
    const request = {
      merchantAccount,
      amount: amountOf(order),
      reference: order.reference,
      returnUrl: order.returnUrl,
      ...(order.method === 'e-wallet' ? walletFields(order) : cardFields(order)),
      shopperReference: order.playerId,
      channel: checkoutTypes.PaymentRequest.ChannelEnum.Web,
      ...additional(order),
    };
    const key = order.reference;
    return isOfVault(order)
      ? payFromVault(
          vault,
          { name, apiKey: account.apiKey },
          { token: order.token, key, fields: { ...request, ...cardOfVault } },
        )
      : checkout.PaymentsApi.payments(request, { idempotencyKey: key });
  };

  const sendReturn = (order: PaymentOrder, redirectResult: string): Promise<PaymentAnswer> =>
    checkout.PaymentsApi.paymentsDetails(
      { details: { redirectResult } },
      { idempotencyKey: `${order.reference}:c` },
    );

  /** Whether several captures are taken is a setting of the account, and no answer tells it. */
  const withCaptures = (outcome: PspOutcome): PspOutcome =>
    outcome.kind === 'authorised'
      ? { ...outcome, severalCaptures: account.severalCaptures === true }
      : outcome;

  const charge = async (order: PaymentOrder): Promise<PspOutcome> => {
    try {
      return withCaptures(paymentOutcome(await send(order), order));
    } catch (error) {
      if (isOfVault(order) && error instanceof AdyenRefusal && cardRefusals.has(error.errorCode ?? ''))
        return {
          ...declined([null], error.errorCode ?? 'refused', null, null, null),
          declineClass: 'fix_data',
        };
      throw error;
    }
  };

  const submitReturn = async (order: PaymentOrder, redirectResult: string): Promise<PspOutcome> =>
    withCaptures(paymentOutcome(await sendReturn(order, redirectResult), order));

  const pay = async (order: PayoutOrder): Promise<PspOutcome> => {
    const answer = await payouts.InstantPayoutsApi.payout(
      {
        merchantAccount,
        amount: amountOf(order),
        reference: order.reference,
        shopperReference: order.playerId,
        selectedRecurringDetailReference: order.token,
        recurring: { contract: payoutTypes.Recurring.ContractEnum.Payout },
        shopperInteraction: payoutTypes.PayoutRequest.ShopperInteractionEnum.ContAuth,
      },
      { idempotencyKey: order.reference },
    );
    const pspReference = answer.pspReference ?? null;
    if (answer.resultCode === 'Refused' || answer.resultCode === 'Error') {
      return declined([null], answer.refusalReason ?? answer.resultCode, null, null, pspReference);
    }
    // "Authorised" is the network's word; that it was paid is told by the notification.
    return { kind: 'pending', pspReference };
  };

  const refund = async (order: RefundOrder): Promise<PspOutcome> => {
    try {
      const { pspReference } = await checkout.ModificationsApi.refundCapturedPayment(
        order.chargeReference,
        { merchantAccount, amount: amountOf(order), reference: order.reference },
        { idempotencyKey: order.reference },
      );
      // "received": that it was refunded is told by the notification.
      return { kind: 'pending', pspReference };
    } catch (error) {
      const outcome = failureOutcome(error);
      // What Adyen turns away by its content it will turn away for ever: a proven no.
      return error instanceof AdyenRefusal && outcome.kind === 'not_sent' && error.isOfContent
        ? declined([null], error.errorCode ?? 'refused', null, null, null)
        : outcome;
    }
  };

  const status = async (order: PaymentOrder): Promise<PspOutcome> => {
    const told = noticed(account, order, 'AUTHORISATION');
    if (told?.kind === 'approved' || told?.kind === 'authorised') return told;
    const redirectResult = order.returned?.['redirectResult'];
    if (order.isClosed === true || order.ageMs > chargeReplayMsMax)
      return told ?? { kind: 'not_found', authoritative: false };
    const replayed = await asked(() =>
      redirectResult ? submitReturn(order, redirectResult) : charge(order),
    );
    return told !== null && replayed.kind !== 'declined' ? told : replayed;
  };

  return {
    name,
    capabilities: {
      idempotencyWindowHours: payoutReplayMsMax / 3_600_000,
      statusBy: 'replay',
      processingMsMax: null,
      threeDs: { exemptions: adyenExemptions, takesPortable: true },
      wallets: ['paypal'],
      partialCapture: true,
      // Such an account keeps on the card what a capture leaves, the last one too.
      ...(account.severalCaptures === true ? { severalCaptures: { releasesRest: false } } : {}),
    },
    webhookAnswer: '[accepted]',
    authorise: (order) => called(() => charge(order)),
    continueAfterAction: async (order) => {
      const redirectResult = order.returned?.['redirectResult'];
      if (!redirectResult) return status(order);
      try {
        return await submitReturn(order, redirectResult);
      } catch (error) {
        // 409 or 704: the result was submitted before, by whomever. That is no refusal: what became of it is asked.
        const isConflict =
          error instanceof AdyenRefusal && (error.status === 409 || error.errorCode === '704');
        return isConflict
          ? (noticed(account, order, 'AUTHORISATION') ?? {
              kind: 'pending',
              pspReference: order.pspReference,
            })
          : asked(() => Promise.reject(error as Error));
      }
    },
    portableThreeDs: async (order) => {
      if (order.ageMs > chargeReplayMsMax || order.method !== 'card') return null;
      const redirectResult = order.returned?.['redirectResult'];
      try {
        const answer = await (redirectResult ? sendReturn(order, redirectResult) : send(order));
        return adyenPortable(answer.additionalData ?? {});
      } catch {
        // Without it the player is asked once more.
        return null;
      }
    },
    status,
    // A redirect that nobody came back from is not authorised before we submit its result, and we no longer will.
    cancel: async (order) =>
      order.returned === null
        ? (noticed(account, order, 'AUTHORISATION') ?? {
            kind: 'cancelled',
            pspReference: order.pspReference,
          })
        : status(order),
    refund: (order) => called(() => refund(order)),
    refundStatus: (order) => {
      const told = noticedRefund(account, order);
      if (told !== null) return Promise.resolve(told);
      if (order.isClosed === true || order.ageMs > payoutReplayMsMax)
        return Promise.resolve({ kind: 'not_found', authoritative: false });
      return asked(() => refund(order));
    },
    modifications: adyenModifications(checkout, account, {
      called,
      asked,
      failureOutcome,
      replayMsMax: payoutReplayMsMax,
    }),
    settlement: adyenSettlement(account, timeoutMs),
    disputes: adyenDisputes(client, account, failureOutcome),
    fraudAlerts: adyenFraudAlerts(account),
    payout: (order) => called(() => pay(order)),
    payoutStatus: async (order) => {
      const told = noticed(account, order, 'PAYOUT_THIRDPARTY');
      if (told !== null) return told;
      if (order.isClosed === true || order.ageMs > payoutReplayMsMax)
        return { kind: 'not_found', authoritative: false };
      return asked(() => pay(order));
    },
    verifyWebhook: (rawBody) => verifyAdyenWebhook(account, rawBody),
  };
}

const isOfVault = ({ method, token }: Pick<PaymentOrder, 'token'> & { method?: string }): boolean =>
  method !== 'e-wallet' && isVaultToken(token);

/** What later payouts may name the card by: a token of our vault is no name of Adyen's. */
const nameOfCard = (
  order: Pick<PaymentOrder, 'token'>,
  data: { readonly [key: string]: string } = {},
): string | null =>
  isVaultToken(order.token) ? (data['recurring.recurringDetailReference'] ?? null) : order.token;

const cardFields = (order: PaymentOrder) => ({
  paymentMethod: {
    type: checkoutTypes.CardDetails.TypeEnum.Scheme,
    storedPaymentMethodId: order.token,
  },
  shopperInteraction:
    order.threeDs.exemption === 'merchant-initiated'
      ? checkoutTypes.PaymentRequest.ShopperInteractionEnum.ContAuth
      : checkoutTypes.PaymentRequest.ShopperInteractionEnum.Ecommerce,
  recurringProcessingModel:
    order.threeDs.exemption === 'merchant-initiated'
      ? checkoutTypes.PaymentRequest.RecurringProcessingModelEnum.UnscheduledCardOnFile
      : checkoutTypes.PaymentRequest.RecurringProcessingModelEnum.CardOnFile,
  ...adyenThreeDs(order),
});

function walletFields({ token }: PaymentOrder) {
  if (token !== 'paypal') throw new Error(`Invariant broken: Adyen is not asked for the wallet ${token}`);
  return {
    paymentMethod: { type: checkoutTypes.PayPalDetails.TypeEnum.Paypal },
    shopperInteraction: checkoutTypes.PaymentRequest.ShopperInteractionEnum.Ecommerce,
  };
}

function additional(order: PaymentOrder): { readonly additionalData?: Record<string, string> } {
  const additionalData = adyenAdditional(order);
  return Object.keys(additionalData).length > 0 ? { additionalData } : {};
}

/** What the signed notifications say about a payment; a success wins over an earlier failure. */
function noticed(
  account: AdyenAccount,
  order: Pick<PaymentOrder, 'evidence' | 'reference' | 'token'> &
    Partial<Pick<PaymentOrder, 'captureMode' | 'method'>>,
  eventCode: 'AUTHORISATION' | 'PAYOUT_THIRDPARTY',
): PspOutcome | null {
  const items = readEvidence(account, order.evidence, order.reference).filter(
    (item) => item.eventCode === eventCode,
  );
  const success = items.find((item) => item.success === 'true');
  if (success) {
    const { pspReference } = success;
    const amount = fromMinorNumber(success.amount.value, success.amount.currency);
    const token = nameOfCard(order);
    const instrument =
      order.method === 'e-wallet' || token === null
        ? null
        : { token, cardBrand: null, last4: null, expiryMonth: null, expiryYear: null };
    return order.captureMode !== undefined && order.captureMode !== 'automatic'
      ? {
          kind: 'authorised',
          pspReference,
          authorised: amount,
          instrument,
          severalCaptures: account.severalCaptures === true,
        }
      : { kind: 'approved', pspReference, processed: amount, instrument };
  }
  const failure = items[0];
  return failure ? declined([null], 'notified-failure', null, null, failure.pspReference) : null;
}

/** A failure wins over an earlier success: the bank may send back what Adyen had refunded. */
function noticedRefund(account: AdyenAccount, order: RefundOrder): PspOutcome | null {
  const items = readEvidence(account, order.evidence, order.reference);
  const failure = items.find(
    ({ eventCode, success }) =>
      ((eventCode === 'REFUND_FAILED' || eventCode === 'REFUNDED_REVERSED') && success === 'true') ||
      (eventCode === 'REFUND' && success === 'false'),
  );
  if (failure) return declined([null], failure.eventCode.toLowerCase(), null, null, failure.pspReference);
  const success = items.find((item) => item.eventCode === 'REFUND' && item.success === 'true');
  if (!success) return null;
  return {
    kind: 'approved',
    pspReference: success.pspReference,
    processed: fromMinorNumber(success.amount.value, success.amount.currency),
    instrument: null,
  };
}

type PaymentAnswer = {
  readonly pspReference?: string;
  readonly resultCode?: string;
  readonly refusalReasonCode?: string;
  readonly amount?: { readonly value: number; readonly currency: string } | null;
  readonly additionalData?: { readonly [key: string]: string };
  readonly action?: unknown;
};

function paymentOutcome(answer: PaymentAnswer, order: PaymentOrder): PspOutcome {
  const pspReference = answer.pspReference ?? null;
  const data = answer.additionalData ?? {};
  const threeDs = order.method === 'card' ? adyenResult(data, order.threeDs.exemption) : null;
  switch (answer.resultCode) {
    case 'Authorised':
      return authorised(answer, order, threeDs);
    case 'Refused':
    case 'Error':
      return {
        ...declined(
          [answer.refusalReasonCode],
          answer.refusalReasonCode ?? answer.resultCode,
          data['paymentMethod'] ?? null,
          data['refusalCodeRaw'] ?? null,
          pspReference,
          { adviceCode: data['merchantAdviceCode'] ?? null, card: identityOf(data) },
        ),
        threeDs,
      };
    case 'Cancelled':
      return { kind: 'cancelled', pspReference };
    case 'RedirectShopper':
    case 'ChallengeShopper':
    case 'IdentifyShopper': {
      const url = addressIn(answer.action);
      return url === null ? { kind: 'pending', pspReference } : { kind: 'action', pspReference, url };
    }
    case undefined:
      return { kind: 'unknown', reason: 'answer without a result' };
    // Received or pending: also while a decoupled authentication is under way at the issuer.
    default:
      return { kind: 'pending', pspReference, threeDs };
  }
}

function authorised(answer: PaymentAnswer, order: PaymentOrder, threeDs: ThreeDsResult | null): PspOutcome {
  const { amount, pspReference, additionalData: data = {} } = answer;
  if (!amount || pspReference === undefined) return { kind: 'pending', pspReference: pspReference ?? null };
  const money = fromMinorNumber(amount.value, amount.currency);
  const card = order.method === 'e-wallet' ? null : identityOf(data);
  // Of the card that was charged. A notification tells of no shopper under its signature.
  const playerId = data['recurring.shopperReference'] ?? null;
  const token = nameOfCard(order, data);
  const walletAccount = order.method === 'e-wallet' ? (data['paypalPayerId'] ?? null) : null;
  const instrument =
    order.method === 'e-wallet' || token === null
      ? null
      : {
          token,
          cardBrand: data['paymentMethod'] ?? null,
          last4: lastFour(data['cardSummary']),
          ...expiryOf(data['expiryDate']),
        };
  return order.captureMode !== 'automatic'
    ? {
        kind: 'authorised',
        pspReference,
        authorised: money,
        playerId,
        instrument,
        walletAccount,
        card,
        threeDs,
      }
    : {
        kind: 'approved',
        pspReference,
        processed: money,
        playerId,
        instrument,
        walletAccount,
        card,
        threeDs,
      };
}

function declined(
  codes: readonly (string | null | undefined)[],
  rawCode: string,
  network: string | null,
  networkCode: string | null,
  pspReference: string | null,
  more: Pick<Declined, 'adviceCode' | 'card'> = {},
): Declined {
  const { adviceCode = null } = more;
  return {
    kind: 'declined',
    pspReference,
    declineClass: classifyDecline({ dialect: 'adyen', codes, network, networkCode, adviceCode }),
    rawCode,
    networkCode,
    ...more,
  };
}

type Declined = Extract<PspOutcome, { kind: 'declined' }>;

/** The alias is told where the account is set to tell it. */
const identityOf = (data: { readonly [key: string]: string }) =>
  cardIdentity({
    fingerprint: data['alias'],
    network: data['paymentMethod'],
    bin: data['cardBin'],
    country: data['cardIssuingCountry'] ?? data['issuerCountry'],
  });

const addressIn = (action: unknown): string | null =>
  typeof action === 'object' && action !== null && 'url' in action && typeof action.url === 'string'
    ? action.url
    : null;

const lastFour = (summary: string | undefined): string | null =>
  summary && /^\d{4}$/.test(summary) ? summary : null;

function expiryOf(text: string | undefined): { expiryMonth: number | null; expiryYear: number | null } {
  const match = /^(\d{1,2})\/(\d{4})$/.exec(text ?? '');
  return { expiryMonth: match ? Number(match[1]) : null, expiryYear: match ? Number(match[2]) : null };
}

/** Number, security code or expiry that no card has: Adyen says so of a card in the request, before any charge. */
const cardRefusals: ReadonlySet<string> = new Set(['101', '103', '129', '140']);

async function called(call: () => Promise<PspOutcome>): Promise<PspOutcome> {
  try {
    return await call();
  } catch (error) {
    return failureOutcome(error);
  }
}

/** A repeat or a question: that it did not get through says nothing about the money. */
async function asked(question: () => Promise<PspOutcome>): Promise<PspOutcome> {
  const outcome = await called(question);
  return outcome.kind === 'not_sent' ? { kind: 'unknown', reason: outcome.reason } : outcome;
}

type Failed =
  | { readonly kind: 'unknown'; readonly reason: string }
  | Extract<PspOutcome, { kind: 'not_sent' }>;

function failureOutcome(error: unknown): Failed {
  const transport = transportFailureIn(error);
  if (transport) return { kind: transport.neverLeft ? 'not_sent' : 'unknown', reason: transport.message };
  if (!(error instanceof AdyenRefusal)) throw error;
  // 704: a call with this key is still running, or was answered and closed.
  const isUnclear =
    error.status >= 500 || error.isTransient || error.errorCode === '704' || error.status === 409;
  if (isUnclear) return { kind: 'unknown', reason: error.message };
  const isContent = error.status === 400 || error.status === 422;
  return { kind: 'not_sent', reason: error.message, ...(isContent ? { isAnswered: true } : {}) };
}
