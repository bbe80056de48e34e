/** The parts of Checkout.com's answers that are read, and what they mean in our words. */
import { z } from 'zod';
import { classifyDecline } from '#domain/payments/decline-class.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { cardIdentity } from './card-identity.ts';
import { checkoutResult, threeDsAnswer } from './checkout-three-ds.ts';
import { fromMinorNumber } from './minor-units.ts';

const card = z.object({
  id: z.string().max(100).optional(),
  type: z.string().max(40).optional(),
  scheme: z.string().max(40).optional(),
  issuer_country: z.string().length(2).optional(),
  last4: z
    .string()
    .regex(/^\d{4}$/)
    .optional(),
  expiry_month: z.int().optional(),
  expiry_year: z.int().optional(),
  fingerprint: z.string().max(200).optional(),
  bin: z.string().max(10).optional(),
});

const payment = z.object({
  id: z.string().max(100),
  status: z.string().max(40),
  amount: z.int().nonnegative().optional(),
  currency: z.string().max(10).optional(),
  reference: z.string().max(200).optional(),
  response_code: z.string().max(20).optional(),
  payment_type: z.string().max(40).optional(),
  eci: z.string().max(4).optional(),
  '3ds': threeDsAnswer.optional(),
  balances: z.object({ total_captured: z.int().nonnegative() }).optional(),
  source: card.optional(),
  metadata: z
    .object({ player: z.string().max(100).optional() })
    .optional()
    .catch(undefined),
  _links: z.object({ redirect: z.object({ href: z.url() }).optional() }).optional(),
});

const found = z.object({ data: z.array(payment).max(100) });
const actions = z
  .array(z.object({ type: z.string(), response_code: z.string().max(20).optional() }))
  .max(1_000);
const refundActions = z
  .array(
    z.object({
      id: z.string().max(100),
      type: z.string(),
      amount: z.int().nonnegative(),
      approved: z.boolean().optional(),
      reference: z.string().max(200).optional(),
      response_code: z.string().max(20).optional(),
    }),
  )
  .max(1_000);
const accepted = z.object({ action_id: z.string().max(100) });

export type CheckoutPayment = z.infer<typeof payment>;

/** Null where the answer is none that we know: it proves nothing. */
export const readPayment = (answer: unknown): CheckoutPayment | null =>
  payment.safeParse(answer).data ?? null;
export const readFound = (answer: unknown): readonly CheckoutPayment[] | null =>
  found.safeParse(answer).data?.data ?? null;
export const readActionId = (answer: unknown): string | null =>
  accepted.safeParse(answer).data?.action_id ?? null;

/** Why it was declined: the code of the latest action that has one. */
export const readDeclineCode = (answer: unknown): string | null =>
  actions
    .safeParse(answer)
    .data?.find((action) => action.response_code !== undefined && action.response_code !== '10000')
    ?.response_code ?? null;

/**
 * How the action of this type and reference, or of this id, stands among a payment's actions; null where it is not one of
 * them, or where they cannot be read.
 */
export function actionAmong(
  answer: unknown,
  { type, reference, pspReference, currency }: ActionName,
): PspOutcome | null {
  const refund = refundActions
    .safeParse(answer)
    .data?.find(
      (action) => action.type === type && (action.id === pspReference || action.reference === reference),
    );
  if (refund === undefined) return null;
  switch (refund.approved) {
    case undefined:
      return { kind: 'pending', pspReference: refund.id };
    case true:
      return {
        kind: 'approved',
        pspReference: refund.id,
        processed: fromMinorNumber(refund.amount, currency),
        instrument: null,
      };
    case false:
      return refundDeclined(refund.response_code ?? 'unspecified', refund.id);
  }
}

type ActionName = {
  readonly type: 'Refund' | 'Capture' | 'Void';
  readonly reference: string;
  readonly pspReference: string | null;
  readonly currency: string;
};

/** Proven that the money stays with us. */
export const refundDeclined = (rawCode: string, pspReference: string | null): PspOutcome => ({
  kind: 'declined',
  pspReference,
  declineClass: classifyDecline({ dialect: 'checkout', codes: [rawCode], network: null, networkCode: null }),
  rawCode,
  networkCode: null,
});

const movedStatuses: ReadonlySet<string> = new Set([
  'Captured',
  'Partially Captured',
  'Refunded',
  'Partially Refunded',
]);

export const hasMoved = ({ status }: CheckoutPayment): boolean =>
  movedStatuses.has(status) || status === 'Paid';

/** @param declineCode from the actions, where the payment itself does not carry one */
export function outcomeOf(paid: CheckoutPayment, declineCode: string | null, isManual = false): PspOutcome {
  const { id: pspReference, status } = paid;
  if (movedStatuses.has(status)) {
    return paid.balances && paid.currency
      ? {
          kind: 'approved',
          pspReference,
          processed: fromMinorNumber(paid.balances.total_captured, paid.currency),
          playerId: playerOf(paid),
          instrument: instrumentOf(paid),
          card: identityOf(paid),
          threeDs: checkoutResult(paid),
        }
      : { kind: 'pending', pspReference };
  }
  if (status === 'Authorized' && isManual && paid.amount !== undefined && paid.currency) {
    return {
      kind: 'authorised',
      pspReference,
      authorised: fromMinorNumber(paid.amount, paid.currency),
      playerId: playerOf(paid),
      severalCaptures: true,
      instrument: instrumentOf(paid),
      threeDs: checkoutResult(paid),
    };
  }
  switch (status) {
    case 'Paid':
      return paid.amount !== undefined && paid.currency
        ? {
            kind: 'approved',
            pspReference,
            processed: fromMinorNumber(paid.amount, paid.currency),
            instrument: null,
          }
        : { kind: 'pending', pspReference };
    case 'Authorized':
    case 'Active':
    case 'Requested':
      return { kind: 'pending', pspReference };
    case 'Pending': {
      const url = paid._links?.redirect?.href;
      return url === undefined ? { kind: 'pending', pspReference } : { kind: 'action', pspReference, url };
    }
    case 'Declined':
      return declinedBy(paid, paid.response_code ?? declineCode);
    case 'Voided':
    case 'Canceled':
    case 'Expired':
      return { kind: 'cancelled', pspReference };
    // A status of a later version proves nothing.
    default:
      return { kind: 'unknown', reason: 'unknown status' };
  }
}

function declinedBy(paid: CheckoutPayment, code: string | null): PspOutcome {
  // 200xx carries the network's own code in its last two digits.
  const networkCode = code !== null && /^200\d\d$/.test(code) ? code.slice(-2) : null;
  const network = paid.source?.scheme?.toLowerCase() ?? null;
  return {
    kind: 'declined',
    pspReference: paid.id,
    declineClass: classifyDecline({ dialect: 'checkout', codes: [code], network, networkCode }),
    rawCode: code ?? 'unspecified',
    networkCode,
    card: identityOf(paid),
    threeDs: checkoutResult(paid),
  };
}

/** Null for a payment of an older build, which was not told. */
const playerOf = ({ metadata }: CheckoutPayment): string | null => metadata?.player ?? null;

const identityOf = ({ source }: CheckoutPayment) =>
  source === undefined
    ? null
    : cardIdentity({
        fingerprint: source.fingerprint,
        network: source.scheme,
        bin: source.bin,
        country: source.issuer_country,
      });

function instrumentOf({ source }: CheckoutPayment) {
  if (source?.id === undefined || source.scheme === undefined) return null;
  return {
    token: source.id,
    cardBrand: source.scheme?.toLowerCase() ?? null,
    last4: source.last4 ?? null,
    expiryMonth: source.expiry_month ?? null,
    expiryYear: source.expiry_year ?? null,
  };
}
