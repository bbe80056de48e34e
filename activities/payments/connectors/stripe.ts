/** A PSP that speaks Stripe's API, through Stripe's own SDK. */
import Stripe from 'stripe';
import { classifyDecline } from '#domain/payments/decline-class.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { PaymentOrder, PayoutOrder, PspConnector, StripeAccount } from '../connectors.ts';
import { cardIdentity } from './card-identity.ts';
import { fromMinorNumber, minorNumber } from './minor-units.ts';
import { TransportFailure, toTransportFailure, transportFailureIn } from './transport.ts';
import { stripeDisputes } from './stripe-disputes.ts';
import { stripeFraudAlerts } from './stripe-fraud-alerts.ts';
import { stripeModifications } from './stripe-modifications.ts';
import { stripeSettlement } from './stripe-settlement.ts';
import { traceAtStripe, type Trace } from './stripe-trace.ts';
import { stripeExemptions, stripeResult, stripeThreeDs } from './stripe-three-ds.ts';
import { verifyStripeWebhook } from './stripe-webhooks.ts';

/** Stripe finishes or fails a synchronous confirmation long before this. */
const processingMsMax = 15 * 60_000;

/** Of one charge; Stripe takes fewer. */
const refundsMax = 2_000;

export function createStripeConnector(name: string, account: StripeAccount, timeoutMs: number): PspConnector {
  const stripe = openClient(account, timeoutMs);

  const charge = async (order: PaymentOrder): Promise<PspOutcome> =>
    intentOutcome(
      await stripe.paymentIntents.create(
        {
          amount: minorNumber(order.money),
          currency: order.money.asset.toLowerCase(),
          ...(order.method === 'e-wallet'
            ? { payment_method_types: [order.token], payment_method_data: walletData(order.token) }
            : { payment_method: order.token, ...stripeThreeDs(order) }),
          ...(order.captureMode !== 'automatic' ? { capture_method: 'manual' as const } : {}),
          confirm: true,
          return_url: order.returnUrl,
          metadata: { reference: order.reference, player: order.playerId },
          expand: ['latest_charge'],
        },
        { idempotencyKey: order.reference },
      ),
    );

  const findIntent = async (order: PaymentOrder): Promise<Trace> =>
    order.pspReference !== null
      ? { id: order.pspReference }
      : traceAtStripe((params) => stripe.paymentIntents.list(params), order, timeoutMs);

  const status = (order: PaymentOrder): Promise<PspOutcome> =>
    asked(async () => {
      const found = await findIntent(order);
      if (found.id === null) return missing(found, order);
      return intentOutcome(await stripe.paymentIntents.retrieve(found.id, { expand: ['latest_charge'] }));
    });

  const findPayout = async (order: PayoutOrder): Promise<Trace> =>
    order.pspReference !== null
      ? { id: order.pspReference }
      : traceAtStripe((params) => stripe.payouts.list(params), order, timeoutMs);

  return {
    name,
    capabilities: {
      idempotencyWindowHours: 24,
      statusBy: 'query',
      processingMsMax,
      threeDs: { exemptions: stripeExemptions, takesPortable: true },
      wallets: ['paypal'],
      partialCapture: true,
      severalCaptures: { releasesRest: true },
    },
    webhookAnswer: 'ok',
    authorise: (order) => called(() => charge(order)),
    // The browser's return carries nothing that is needed: the intent itself knows.
    continueAfterAction: status,
    status,
    cancel: (order) =>
      asked(async () => {
        const { id } = await findIntent(order);
        if (id === null) return { kind: 'not_found', authoritative: false };
        try {
          return intentOutcome(
            await stripe.paymentIntents.cancel(id, {}, { idempotencyKey: `${order.reference}:x` }),
          );
        } catch (error) {
          // Too late to cancel: what happened instead is the answer.
          if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
          return intentOutcome(await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] }));
        }
      }),
    refund: (order) =>
      called(async () =>
        refundOutcome(
          await stripe.refunds.create(
            {
              payment_intent: order.chargeReference,
              amount: minorNumber(order.money),
              metadata: { reference: order.reference },
            },
            { idempotencyKey: order.reference },
          ),
        ),
      ).then(refundRefused),
    refundStatus: (order) =>
      asked(async () => {
        if (order.pspReference !== null)
          return refundOutcome(await stripe.refunds.retrieve(order.pspReference));
        const listed = await stripe.refunds
          .list({ payment_intent: order.chargeReference, limit: 100 })
          .autoPagingToArray({ limit: refundsMax });
        const ours = listed.find((refund) => refund.metadata?.['reference'] === order.reference);
        return ours
          ? refundOutcome(ours)
          : { kind: 'not_found', authoritative: order.ageMs >= processingMsMax };
      }),
    modifications: stripeModifications(stripe, { called, asked, refused: refundRefused, processingMsMax }),
    settlement: stripeSettlement(stripe, account, timeoutMs),
    disputes: stripeDisputes(stripe, (error) => failureOutcome(error)),
    fraudAlerts: stripeFraudAlerts(stripe, (error) => failureOutcome(error)),
    payout: (order) =>
      called(async () =>
        payoutOutcome(
          await stripe.payouts.create(
            {
              amount: minorNumber(order.money),
              currency: order.money.asset.toLowerCase(),
              destination: order.token,
              method: 'instant',
              metadata: { reference: order.reference },
            },
            { idempotencyKey: order.reference },
          ),
        ),
      ),
    payoutStatus: (order) =>
      asked(async () => {
        const found = await findPayout(order);
        if (found.id === null) return missing(found, order);
        return payoutOutcome(await stripe.payouts.retrieve(found.id));
      }),
    verifyWebhook: (rawBody, headers) => verifyStripeWebhook(stripe, account, rawBody, headers),
  };
}

/** Proof that nothing was processed only where nothing can have been overlooked, and nothing can still be under way. */
const missing = (trace: Extract<Trace, { id: null }>, { ageMs }: { readonly ageMs: number }): PspOutcome => ({
  kind: 'not_found',
  authoritative: trace.isAbsent && ageMs >= processingMsMax,
});

/** Stripe names wallets by its own types; only what it calls so can be sent. */
function walletData(name: string): Stripe.PaymentIntentCreateParams.PaymentMethodData {
  if (name !== 'paypal') throw new Error(`Invariant broken: Stripe has no wallet ${name}`);
  return { type: name };
}

function openClient(account: StripeAccount, timeoutMs: number): Stripe {
  const url = new URL(account.url);
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  return new Stripe(account.apiKey, {
    host: url.hostname,
    port: url.port === '' ? (protocol === 'http' ? 80 : 443) : Number(url.port),
    protocol,
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: bounded(Stripe.createNodeHttpClient(), timeoutMs),
  });
}

type NodeClient = ReturnType<typeof Stripe.createNodeHttpClient>;

/**
 * Bounds the whole call and hides network codes from the SDK: it repeats closed connections even with retries off, and
 * would so report the second failure where the first one matters.
 */
function bounded(inner: NodeClient, timeoutMs: number): NodeClient {
  return {
    getClientName: () => inner.getClientName(),
    makeRequest: async (...request) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(
          () => reject(new TransportFailure('no answer in time', false, undefined)),
          timeoutMs,
        );
      });
      try {
        return await Promise.race([inner.makeRequest(...request), late]);
      } catch (error) {
        throw toTransportFailure(error);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** A call that moves money: a refused connection is proof, everything else unclear is not. */
async function called(call: () => Promise<PspOutcome>): Promise<PspOutcome> {
  try {
    return await call();
  } catch (error) {
    return failureOutcome(error);
  }
}

/** A question: that it did not get through says nothing about the money. */
async function asked(question: () => Promise<PspOutcome>): Promise<PspOutcome> {
  try {
    return await question();
  } catch (error) {
    const outcome = failureOutcome(error);
    if (outcome.kind === 'declined')
      return { kind: 'unknown', reason: `status refused (${outcome.rawCode})` };
    return { kind: 'unknown', reason: outcome.reason };
  }
}

type Declined = Extract<PspOutcome, { kind: 'declined' }>;

type Failed =
  | Declined
  | { readonly kind: 'unknown'; readonly reason: string }
  | Extract<PspOutcome, { kind: 'not_sent' }>;

function failureOutcome(error: unknown): Failed {
  const transport = transportFailureIn(error);
  if (transport) return { kind: transport.neverLeft ? 'not_sent' : 'unknown', reason: transport.message };
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  if (error.payment_intent) {
    const outcome = intentOutcome(error.payment_intent);
    if (outcome.kind === 'declined') return outcome;
  }
  if (error instanceof Stripe.errors.StripeCardError) {
    return declinedBy(error.decline_code ?? null, error.code ?? null, null, null, null);
  }
  // Turned away unseen, as Stripe documents for both.
  if (error.statusCode === 429) return { kind: 'not_sent', reason: 'rate limited' };
  if (error.statusCode === 401 || error.statusCode === 403)
    return { kind: 'not_sent', reason: 'not authorised at the PSP' };
  // 409: the first call with this key is still running. 5xx: it may have charged.
  if (error.statusCode === undefined || error.statusCode === 409 || error.statusCode >= 500) {
    return { kind: 'unknown', reason: `status ${error.statusCode ?? 'missing'}` };
  }
  // A key that was used for other content names a charge that exists.
  if (error instanceof Stripe.errors.StripeIdempotencyError)
    return { kind: 'unknown', reason: 'key used before' };
  return { kind: 'not_sent', reason: `request refused (${error.code ?? error.type})`, isAnswered: true };
}

function declinedBy(
  declineCode: string | null,
  code: string | null,
  network: string | null,
  networkCode: string | null,
  pspReference: string | null,
  more: Pick<Declined, 'adviceCode' | 'card'> = {},
): Declined {
  const { adviceCode = null } = more;
  return {
    kind: 'declined',
    pspReference,
    declineClass: classifyDecline({
      dialect: 'stripe',
      codes: [declineCode, code],
      network,
      networkCode,
      adviceCode,
    }),
    rawCode: declineCode ?? code ?? 'unspecified',
    networkCode,
    ...more,
  };
}

/** The first digits are told to few accounts only; the fingerprint to all. */
const identityOf = (card: {
  readonly fingerprint?: string | null;
  readonly brand?: string | null;
  readonly country?: string | null;
  readonly iin?: string | null;
}) =>
  cardIdentity({
    fingerprint: card.fingerprint,
    network: card.brand,
    bin: card.iin,
    country: card.country,
  });

function cardOf(intent: Stripe.PaymentIntent) {
  const card = chargeOf(intent)?.payment_method_details?.card;
  return card ? identityOf(card) : null;
}

function intentOutcome(intent: Stripe.PaymentIntent): PspOutcome {
  switch (intent.status) {
    case 'succeeded':
      return {
        kind: 'approved',
        pspReference: intent.id,
        processed: fromMinorNumber(intent.amount_received, intent.currency),
        playerId: playerOf(intent),
        instrument: instrumentOf(intent),
        walletAccount: chargeOf(intent)?.payment_method_details?.paypal?.payer_id ?? null,
        card: cardOf(intent),
        threeDs: stripeResult(chargeOf(intent)),
      };
    case 'requires_capture':
      return {
        kind: 'authorised',
        pspReference: intent.id,
        authorised: fromMinorNumber(intent.amount_capturable, intent.currency),
        playerId: playerOf(intent),
        severalCaptures: chargeOf(intent)?.payment_method_details?.card?.multicapture?.status === 'available',
        instrument: instrumentOf(intent),
        walletAccount: chargeOf(intent)?.payment_method_details?.paypal?.payer_id ?? null,
        card: cardOf(intent),
        threeDs: stripeResult(chargeOf(intent)),
      };
    case 'requires_action': {
      const url = intent.next_action?.redirect_to_url?.url;
      return url
        ? { kind: 'action', pspReference: intent.id, url }
        : { kind: 'pending', pspReference: intent.id };
    }
    case 'requires_payment_method': {
      const error = intent.last_payment_error;
      const card = error?.payment_method?.card ?? null;
      const refusal = declinedBy(
        error?.decline_code ?? null,
        error?.code ?? null,
        card?.brand ?? null,
        error?.network_decline_code ?? null,
        intent.id,
        { adviceCode: error?.network_advice_code ?? null, card: card && identityOf(card) },
      );
      return { ...refusal, threeDs: stripeResult(chargeOf(intent)) };
    }
    case 'canceled':
      return { kind: 'cancelled', pspReference: intent.id };
    case 'processing':
    case 'requires_confirmation':
      return { kind: 'pending', pspReference: intent.id };
    // A status of a later API version proves nothing.
    default:
      return { kind: 'unknown', reason: 'unknown status' };
  }
}

/** Null for an intent of an older build, which was not told. */
const playerOf = (intent: Stripe.PaymentIntent): string | null => intent.metadata?.['player'] ?? null;

const chargeOf = (intent: Stripe.PaymentIntent): Stripe.Charge | null =>
  typeof intent.latest_charge === 'object' ? intent.latest_charge : null;

/** Null for a wallet: its account is no token. */
function instrumentOf(intent: Stripe.PaymentIntent) {
  const token = typeof intent.payment_method === 'string' ? intent.payment_method : intent.payment_method?.id;
  if (!token || !intent.payment_method_types.includes('card')) return null;
  const card = chargeOf(intent)?.payment_method_details?.card ?? null;
  return {
    token,
    cardBrand: card?.brand ?? null,
    last4: card?.last4 ?? null,
    expiryMonth: card?.exp_month ?? null,
    expiryYear: card?.exp_year ?? null,
  };
}

/**
 * A refund that Stripe turns away by its content will be turned away for ever, where a charge might be tried elsewhere:
 * so a refused request is a proven no, and not one that was never sent.
 */
function refundRefused(outcome: PspOutcome): PspOutcome {
  const refused =
    outcome.kind === 'not_sent' ? /^request refused \((.+)\)$/.exec(outcome.reason)?.[1] : undefined;
  return refused === undefined ? outcome : declinedBy(null, refused, null, null, null);
}

function refundOutcome(refund: Stripe.Refund): PspOutcome {
  switch (refund.status) {
    case 'succeeded':
      return {
        kind: 'approved',
        pspReference: refund.id,
        processed: fromMinorNumber(refund.amount, refund.currency),
        instrument: null,
      };
    case 'failed':
    case 'canceled':
      return declinedBy(refund.failure_reason ?? null, refund.status, null, null, refund.id);
    default:
      return { kind: 'pending', pspReference: refund.id };
  }
}

function payoutOutcome(payout: Stripe.Payout): PspOutcome {
  switch (payout.status) {
    case 'paid':
      return {
        kind: 'approved',
        pspReference: payout.id,
        processed: fromMinorNumber(payout.amount, payout.currency),
        instrument: null,
      };
    case 'failed':
    case 'canceled':
      return declinedBy(payout.failure_code ?? null, payout.status, null, null, payout.id);
    default:
      return { kind: 'pending', pspReference: payout.id };
  }
}
