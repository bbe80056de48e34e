/**
 * A PSP that speaks Checkout.com's API, through its own SDK. Its habits: a token of the browser is charged once and
 * leaves a source that stays; only good answers are kept under a key, so that after a 500 the same key would charge
 * again and is never repeated; a status is found by id or by our reference; a challenge cannot be called back.
 */
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { depositReference, parseReference } from '#domain/payments/reference.ts';
import type {
  CheckoutAccount,
  ModificationOrder,
  PaymentOrder,
  PayoutOrder,
  PspConnector,
} from '../connectors.ts';
import {
  hasMoved,
  outcomeOf,
  readActionId,
  readDeclineCode,
  readFound,
  readPayment,
  actionAmong,
  refundDeclined,
  type CheckoutPayment,
} from './checkout-answers.ts';
import { CheckoutRefusal, openCheckoutClient } from './checkout-client.ts';
import { checkoutDisputes } from './checkout-disputes.ts';
import { checkoutSettlement } from './checkout-settlement.ts';
import { checkoutExemptions, checkoutPortable, checkoutThreeDs } from './checkout-three-ds.ts';
import { verifyCheckoutWebhook } from './checkout-webhooks.ts';
import { minorNumber } from './minor-units.ts';
import { TransportFailure } from './transport.ts';

const unreadable: PspOutcome = { kind: 'unknown', reason: 'unreadable answer' };

export function createCheckoutConnector(
  name: string,
  account: CheckoutAccount,
  timeoutMs: number,
): PspConnector {
  const client = openCheckoutClient(account.url, account.apiKey, timeoutMs);

  /** Newest first, but one that moved money comes before all. */
  const find = async (reference: string): Promise<CheckoutPayment | null> => {
    const found = readFound(await client.list(reference));
    // A search that cannot be read must not look like "not found".
    if (found === null) throw new TransportFailure('unreadable answer', false, undefined);
    return found.find(hasMoved) ?? found[0] ?? null;
  };

  const outcomeAt = async (id: string, isManual = false): Promise<PspOutcome> => {
    const payment = readPayment(await client.get(id));
    if (payment === null) return unreadable;
    const isUnexplained = payment.status === 'Declined' && payment.response_code === undefined;
    const code = isUnexplained ? readDeclineCode(await client.actions(id)) : null;
    return outcomeOf(payment, code, isManual);
  };

  const status = (order: PaymentOrder | PayoutOrder): Promise<PspOutcome> =>
    asked(async () => {
      const id = order.pspReference ?? (await find(order.reference))?.id ?? null;
      // The list is not documented to be consistent: a miss never becomes proof.
      const isManual = 'captureMode' in order && order.captureMode !== 'automatic';
      return id === null ? { kind: 'not_found', authoritative: false } : outcomeAt(id, isManual);
    });

  /** A token is spent by the attempt before; what it left behind is charged instead. */
  const sourceOf = async (order: PaymentOrder): Promise<object> => {
    if (order.method === 'e-wallet') return { type: order.token };
    if (!order.token.startsWith('tok_')) return { type: 'id', id: order.token };
    const subject = parseReference(order.reference);
    const before = order.stepUp && subject !== null && subject.attempt > 1 ? subject.attempt - 1 : null;
    const spent = before === null ? null : await find(depositReference(subject?.id ?? '', before));
    return spent?.source?.id ? { type: 'id', id: spent.source.id } : { type: 'token', token: order.token };
  };

  const charge = async (order: PaymentOrder, source: object): Promise<PspOutcome> => {
    const payment = readPayment(
      await client.request(
        {
          source,
          amount: minorNumber(order.money),
          currency: order.money.asset,
          reference: order.reference,
          metadata: { player: order.playerId },
          processing_channel_id: account.processingChannelId,
          capture: order.captureMode === 'automatic',
          ...(order.method === 'e-wallet' ? { payment_type: 'Regular' } : checkoutThreeDs(order)),
          success_url: order.returnUrl,
          failure_url: order.returnUrl,
        },
        order.reference,
      ),
    );
    if (payment === null) return unreadable;
    // "Authorized" is the answer even where the capture has happened; only the payment itself knows.
    const isManual = order.captureMode !== 'automatic';
    const outcome = outcomeOf(payment, null, isManual);
    return payment.status === 'Authorized'
      ? better(outcome, await asked(() => outcomeAt(payment.id, isManual)))
      : outcome;
  };

  const modify = async (order: ModificationOrder): Promise<PspOutcome> => {
    const { reference, chargeReference, kind } = order;
    try {
      const actionId = readActionId(
        kind === 'capture'
          ? await client.capture(
              chargeReference,
              {
                amount: minorNumber(order.money),
                reference,
                ...(order.isFinal ? {} : { capture_type: 'NonFinal' }),
              },
              reference,
            )
          : await client.void(chargeReference, { reference }, reference),
      );
      // Accepted is not done: the action tells.
      return actionId === null ? unreadable : { kind: 'pending', pspReference: actionId };
    } catch (error) {
      const isRefused = error instanceof CheckoutRefusal && (error.status === 422 || error.status === 403);
      return isRefused && error.errorCode !== null
        ? refundDeclined(error.errorCode, null)
        : failureOutcome(error);
    }
  };

  return {
    name,
    capabilities: {
      idempotencyWindowHours: 24,
      statusBy: 'query',
      processingMsMax: null,
      threeDs: { exemptions: checkoutExemptions, takesPortable: true },
      wallets: ['paypal'],
      partialCapture: true,
      severalCaptures: { releasesRest: true },
    },
    webhookAnswer: 'ok',
    authorise: async (order) => {
      let source: object;
      try {
        source = await sourceOf(order);
      } catch (error) {
        // The question failed, the charge has not been tried.
        return { kind: 'not_sent', reason: failureOutcome(error).reason };
      }
      return called(() => charge(order, source));
    },
    // The browser's return carries nothing that is needed: the payment itself knows.
    continueAfterAction: status,
    status,
    cancel: (order) =>
      asked(async () => {
        const id = order.pspReference ?? (await find(order.reference))?.id ?? null;
        if (id === null) return { kind: 'not_found', authoritative: false };
        const payment = readPayment(await client.get(id));
        if (payment?.status === 'Authorized') await client.void(id, {}, `${order.reference}:x`);
        // A challenge ends by itself a quarter of an hour after it began; until then it is told as it is.
        return outcomeAt(id);
      }),
    portableThreeDs: async ({ pspReference, reference }) => {
      try {
        const id = pspReference ?? (await find(reference))?.id;
        const payment = id === undefined ? null : readPayment(await client.get(id));
        return payment === null ? null : checkoutPortable(payment);
      } catch {
        // Without it the player is asked once more.
        return null;
      }
    },
    modifications: {
      modify,
      modificationStatus: (order) =>
        asked(async () => {
          const { reference, pspReference, chargeReference, money, kind } = order;
          const found = actionAmong(await client.actions(chargeReference), {
            type: kind === 'capture' ? 'Capture' : 'Void',
            reference,
            pspReference,
            currency: money.asset,
          });
          if (found !== null) return found;
          return pspReference === null
            ? { kind: 'not_found', authoritative: false }
            : { kind: 'pending', pspReference };
        }),
    },
    refund: async (order) => {
      try {
        const actionId = readActionId(
          await client.refund(
            order.chargeReference,
            { amount: minorNumber(order.money), reference: order.reference },
            order.reference,
          ),
        );
        // Accepted is not done: the action tells later whether it was.
        return actionId === null ? unreadable : { kind: 'pending', pspReference: actionId };
      } catch (error) {
        const isRefused = error instanceof CheckoutRefusal && (error.status === 422 || error.status === 403);
        return isRefused && error.errorCode !== null
          ? refundDeclined(error.errorCode, null)
          : failureOutcome(error);
      }
    },
    refundStatus: (order) =>
      asked(async () => {
        const { reference, pspReference } = order;
        const found = actionAmong(await client.actions(order.chargeReference), {
          type: 'Refund',
          reference,
          pspReference,
          currency: order.money.asset,
        });
        if (found !== null) return found;
        return pspReference === null
          ? { kind: 'not_found', authoritative: false }
          : { kind: 'pending', pspReference };
      }),
    payout: (order) =>
      called(async () => {
        const payment = readPayment(
          await client.request(
            {
              source: { type: 'currency_account', id: account.currencyAccountId },
              destination: order.token.startsWith('tok_')
                ? { type: 'token', token: order.token }
                : { type: 'id', id: order.token },
              amount: minorNumber(order.money),
              currency: order.money.asset,
              reference: order.reference,
              processing_channel_id: account.processingChannelId,
            },
            order.reference,
          ),
        );
        return payment === null ? unreadable : outcomeOf(payment, null);
      }),
    payoutStatus: status,
    disputes: checkoutDisputes(client, failureOutcome),
    settlement: checkoutSettlement(client, account, timeoutMs),
    verifyWebhook: (rawBody, headers) => verifyCheckoutWebhook(account, rawBody, headers),
  };
}

/** A second look that found out nothing leaves what the first one said. */
const better = (first: PspOutcome, second: PspOutcome): PspOutcome =>
  second.kind === 'unknown' || second.kind === 'not_found' ? first : second;

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
    if (error instanceof CheckoutRefusal && error.status === 404)
      return { kind: 'not_found', authoritative: false };
    return { kind: 'unknown', reason: failureOutcome(error).reason };
  }
}

type Failed =
  | { readonly kind: 'unknown'; readonly reason: string }
  | Extract<PspOutcome, { kind: 'not_sent' }>;

function failureOutcome(error: unknown): Failed {
  if (error instanceof TransportFailure)
    return { kind: error.neverLeft ? 'not_sent' : 'unknown', reason: error.message };
  if (!(error instanceof CheckoutRefusal)) throw error;
  // 429 is rate limiting alone since a key in use is 409; 401, 403 and an invalid request are turned away unseen.
  const isTurnedAway =
    error.status === 429 ||
    error.status === 401 ||
    error.status === 403 ||
    error.status === 404 ||
    (error.status === 422 && error.errorType === 'request_invalid');
  if (!isTurnedAway) return { kind: 'unknown', reason: error.message };
  const isContent = error.status === 422 || error.status === 404;
  return { kind: 'not_sent', reason: error.message, ...(isContent ? { isAnswered: true } : {}) };
}
