/** What the cashier needs of a PSP, whichever it is; how each one says it stays inside its connector. */
import type { Result } from '#domain/failures.ts';
import type { FormerSecret } from '#domain/former-secrets.ts';
import type { TextParts } from './connectors/csv.ts';
import type { MoneyText } from '#domain/money.ts';
import type { CaptureMode } from '#domain/payments/capture-mode.ts';
import type { DisputeAnswer, DisputeOutcome } from '#domain/payments/dispute-state.ts';
import type { FraudAlertOutcome } from '#domain/payments/fraud-alert.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { PayoutSchedule } from '#domain/payments/payout-schedule.ts';
import type { SettlementLine } from '#domain/payments/settlement.ts';
import type { Exemption, ThreeDsWish, TransStatus } from '#domain/payments/three-ds.ts';
import { createAdyenConnector } from './connectors/adyen.ts';
import { checkoutPreparation, stripePreparation } from './connectors/card-preparations.ts';
import { chargingFromVault } from './connectors/card-vault.ts';
import { createCheckoutConnector } from './connectors/checkout.ts';
import { createStripeConnector } from './connectors/stripe.ts';

/**
 * The result of an authentication as another PSP can take it over. The cryptogram is what proves it: it is fetched for
 * the one call that carries it on, and is never written, logged or put into a workflow.
 */
export type PortableThreeDs = {
  readonly cavv: string;
  readonly eci: string;
  readonly dsTransactionId: string;
  readonly version: string;
  readonly transStatus: TransStatus;
};

/** A charge at one PSP. Everything in it comes from rows, so that a repeat is the identical request. */
export type PaymentOrder = {
  /** Our own reference and the idempotency key. */
  readonly reference: string;
  readonly playerId: string;
  readonly money: MoneyText;
  /** Of the card at this PSP; of a wallet, its name. */
  readonly token: string;
  readonly method: 'card' | 'e-wallet';
  readonly captureMode: CaptureMode;
  readonly returnUrl: string;
  /** A soft decline came before: demand 3-D Secure. */
  readonly stepUp: boolean;
  /** What is asked here, after `wishAt`. */
  readonly threeDs: ThreeDsWish;
  /** Of an earlier attempt at another PSP. */
  readonly portable: PortableThreeDs | null;
  /** Null until the PSP has told it. */
  readonly pspReference: string | null;
  /** When its one call was claimed: it was made then or a little later, never before. */
  readonly sentAt: Date;
  /** Since `sentAt`, by the clock that wrote it. */
  readonly ageMs: number;
  /**
   * Closed without money as far as we know: the question must not be able to move any. It may never have been sent, so a
   * repeat of its key would be a new charge; only what the PSP has told by itself counts then.
   */
  readonly isClosed?: boolean;
  /** What the browser brought back from the challenge, null before. */
  readonly returned: Readonly<Record<string, string>> | null;
  /** Bodies of verified webhooks about this payment, as `verifyWebhook` wanted them stored. */
  readonly evidence: readonly string[];
};

export type PayoutOrder = Omit<
  PaymentOrder,
  'returnUrl' | 'stepUp' | 'returned' | 'method' | 'captureMode' | 'threeDs' | 'portable'
>;

/** A capture, or a void of what is left of an authorisation. */
export type ModificationOrder = RefundOrder & {
  readonly kind: 'capture' | 'void';
  /** Nothing is captured after it; what it leaves is given up. */
  readonly isFinal: boolean;
  /** By captures before this one: none of them is open, since there is one at a time. */
  readonly capturedBefore: MoneyText;
};

export type RefundOrder = {
  /** Our own reference and the idempotency key. */
  readonly reference: string;
  /** The PSP's name of the charge that is refunded. */
  readonly chargeReference: string;
  readonly money: MoneyText;
  /** The PSP's name of the refund; null until it has told it. */
  readonly pspReference: string | null;
  /** Since the call was claimed, by the database's clock. */
  readonly ageMs: number;
  /** As for a charge. */
  readonly isClosed?: boolean;
  /** Bodies of verified webhooks about this refund. */
  readonly evidence: readonly string[];
};

export type DisputeOrder = {
  /** The PSP's name of the dispute. */
  readonly pspReference: string;
  /** Bodies of verified webhooks about this dispute. */
  readonly evidence: readonly string[];
};

export type FraudAlertOrder = {
  /** The PSP's name of the report. */
  readonly pspReference: string;
  /** Bodies of verified webhooks about this report. */
  readonly evidence: readonly string[];
};

export type SettlementFile =
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly content: string;
      /** Why the PSP's own word says that it is not whole; left out where nothing says so. */
      readonly truncation?: string;
    }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** An answer of ours to a dispute; `key` is its idempotency key. */
export type DisputeAnswerOrder = { readonly pspReference: string; readonly key: string };

/** A verified event of a webhook; a hint to ask for the status, never the truth about an amount. */
export type WebhookNotice = {
  /** The sender's name for the event, unique for ever. */
  readonly externalId: string;
  /** Our reference, null where the event names none. */
  readonly reference: string | null;
  /** True when the event speaks of money that moved or, for a charge, is held: a closed attempt is asked about then. */
  readonly saysApproved: boolean;
  /** True when the event speaks of a refund that did not reach the player. */
  readonly saysFailed?: boolean;
  /** Set when the event is about a dispute: its name, and that of the charge, at the PSP. */
  readonly dispute?: { readonly pspReference: string; readonly chargeReference: string };
  /** Set when the event is about a report of fraud: its name, and that of the charge, at the PSP. */
  readonly fraudAlert?: { readonly pspReference: string; readonly chargeReference: string };
  /** The name of the former secret that it was signed with, while secrets are rotated. */
  readonly formerSecret?: string;
  /** What may be stored: the fields we need, no names, no addresses, no numbers. */
  readonly body: string;
};

export type PspCapabilities = {
  readonly idempotencyWindowHours: number;
  /** `query`: asked by reference. `replay`: the same key tells the first answer again. */
  readonly statusBy: 'query' | 'replay';
  /** From this age on, "not found" is proof. Null where it never is. */
  readonly processingMsMax: number | null;
  /** Left out where it speaks of no 3-D Secure. */
  readonly threeDs?: {
    /** What it has a word for. */
    readonly exemptions: readonly Exemption[];
    readonly takesPortable: boolean;
  };
  /** Wallets that it sends players to, and gives charges back to. */
  readonly wallets?: readonly string[];
  /** Whether less than the authorisation may be captured; the rest is then given up. */
  readonly partialCapture?: boolean;
  /** Whether a final capture lets go of the rest by itself, or a void must follow. Left out where one capture is all. */
  readonly severalCaptures?: { readonly releasesRest: boolean };
};

export interface PspModifications {
  /** `approved`: done, with what was captured or given up. `declined`: proven that nothing has changed. */
  modify(order: ModificationOrder): Promise<PspOutcome>;
  /** The arbiter of an unclear one. Never answers `not_sent`. */
  modificationStatus(order: ModificationOrder): Promise<PspOutcome>;
}

export interface PspDisputes {
  /** How a dispute stands. */
  dispute(order: DisputeOrder): Promise<DisputeOutcome>;
  /** Submits evidence for good; a repeat under the same key submits nothing more. */
  submitEvidence(order: DisputeAnswerOrder, text: string): Promise<DisputeAnswer>;
  /** Gives in; the money stays with the cardholder. */
  acceptDispute(order: DisputeAnswerOrder): Promise<DisputeAnswer>;
}

export interface PspFraudAlerts {
  /** What the PSP says of a report. */
  fraudAlert(order: FraudAlertOrder): Promise<FraudAlertOutcome>;
}

export interface PspSettlement {
  /** The settlement file of a UTC day (`2026-11-25`), as it came. */
  settlementFile(day: string): Promise<SettlementFile>;
  /** Where files are whole only together with those since the last payout. */
  readonly payoutSchedule?: PayoutSchedule;
  /** Reads such a file, line by line as they are asked for. Throws `invalid-request` where it is not one. */
  parseSettlement(content: TextParts): AsyncIterable<SettlementLine>;
}

/**
 * Methods answer outcomes and never throw for what a PSP or the network does; a throw is a bug. Calls are bounded by
 * ten seconds; a call that may have left is `unknown`, one that certainly has not is `not_sent`.
 */
export interface PspConnector {
  readonly name: string;
  readonly capabilities: PspCapabilities;
  /** What the sender of a webhook wants to read. */
  readonly webhookAnswer: string;
  authorise(order: PaymentOrder): Promise<PspOutcome>;
  /** Submits what the browser brought back; once, and a conflict means that the status is asked instead. */
  continueAfterAction(order: PaymentOrder): Promise<PspOutcome>;
  /** The arbiter of every unclear outcome. Never answers `not_sent`. */
  status(order: PaymentOrder): Promise<PspOutcome>;
  /** Ends a payment that waits for the player. */
  cancel(order: PaymentOrder): Promise<PspOutcome>;
  /** `approved`: the money is on its way to the card. `declined`: proven that it stays with us. */
  refund(order: RefundOrder): Promise<PspOutcome>;
  /** The arbiter of an unclear refund, and of one that came back later. Never answers `not_sent`. */
  refundStatus(order: RefundOrder): Promise<PspOutcome>;
  /** Null where the PSP does not give away the authentication of a payment, or there was none. Never throws. */
  readonly portableThreeDs?: (order: PaymentOrder) => Promise<PortableThreeDs | null>;
  readonly modifications?: PspModifications;
  /** Left out where the PSP has none, or none that we speak: its disputes and files are then a person's work. */
  readonly disputes?: PspDisputes;
  readonly settlement?: PspSettlement;
  /** Left out where the PSP tells of no reports of fraud. */
  readonly fraudAlerts?: PspFraudAlerts;
  payout(order: PayoutOrder): Promise<PspOutcome>;
  payoutStatus(order: PayoutOrder): Promise<PspOutcome>;
  /** Checks the signature over the bytes as they came. Failures: `invalid-signature`, `stale-signature`. */
  verifyWebhook(rawBody: Buffer, headers: Headers): Result<readonly WebhookNotice[]>;
}

export type PspConnectors = ReadonlyMap<string, PspConnector>;

export type PspConnectorsConfig = {
  readonly alpha?: StripeAccount | undefined;
  readonly beta?: AdyenAccount | undefined;
  readonly gamma?: CheckoutAccount | undefined;
  /** Our own card vault, where there is one; all card PSPs charge its tokens. */
  readonly vault?: VaultAccount | undefined;
};

export type VaultAccount = { readonly url: string; readonly callerSecret: string };

/** Secrets that the PSP may still sign with while they are rotated. */
type Rotation = { readonly formerSecrets?: readonly FormerSecret[] };

export type StripeAccount = {
  readonly url: string;
  readonly apiKey: string;
  readonly webhookSecret: string;
} & Rotation;

export type AdyenAccount = {
  readonly url: string;
  readonly apiKey: string;
  readonly merchantAccount: string;
  /** Hex. */
  readonly hmacKey: string;
  /** The account is set up for several partial captures of one payment. */
  readonly severalCaptures?: boolean;
} & Rotation;

export type CheckoutAccount = {
  readonly url: string;
  readonly apiKey: string;
  readonly processingChannelId: string;
  /** Where payouts are taken from. */
  readonly currencyAccountId: string;
  readonly webhookSecret: string;
  /** False where it pays to our bank on another schedule than each day. */
  readonly paysDaily?: boolean;
  /** That schedule; without it files of such an account cannot be proven to be whole. */
  readonly payoutSchedule?: PayoutSchedule;
} & Rotation;

/** Longest wait for an answer of a PSP. */
export const pspTimeoutMs = 10_000;

/** `alpha` speaks as Stripe, `beta` as Adyen, `gamma` as Checkout.com; what is not configured is not there. */
export function createPspConnectors(config: PspConnectorsConfig, timeoutMs = pspTimeoutMs): PspConnectors {
  const connectors = new Map<string, PspConnector>();
  if (config.alpha) {
    const alpha = createStripeConnector('alpha', config.alpha, timeoutMs);
    connectors.set('alpha', chargingFromVault(alpha, config.vault, stripePreparation(config.alpha)));
  }
  if (config.beta) connectors.set('beta', createAdyenConnector('beta', config.beta, timeoutMs, config.vault));
  if (config.gamma) {
    const gamma = createCheckoutConnector('gamma', config.gamma, timeoutMs);
    connectors.set('gamma', chargingFromVault(gamma, config.vault, checkoutPreparation(config.gamma)));
  }
  return connectors;
}
