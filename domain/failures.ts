/**
 * The closed list of expected failures. Domain functions return them as values; only two edges turn them
 * outward: activities throw a non-retryable ApplicationFailure of the code, the API maps the code to a status.
 */
export const failureCodes = [
  // What the caller sent
  'malformed-json',
  'invalid-request',
  'body-too-large',
  'unsupported-media-type',
  'idempotency-key-missing',
  'idempotency-key-reused',
  'amount-not-positive',
  'amount-too-precise',
  'amount-too-large',
  'amount-too-small',
  'unknown-asset',
  'unsupported-asset',
  'not-found',
  'method-not-allowed',
  // Who the caller is
  'not-authenticated',
  'session-expired',
  'forbidden',
  'invalid-credentials',
  'invalid-signature',
  'stale-signature',
  'too-many-requests',
  // pam, cms
  'email-taken',
  'email-not-verified',
  'verification-link-invalid',
  'reset-link-invalid',
  'player-underage',
  'terms-not-current',
  'unknown-brand',
  'unknown-jurisdiction',
  'player-blocked',
  // responsible-gambling
  'deposit-limit-required',
  'deposit-limit-exceeded',
  'play-limit-exceeded',
  'play-limit-required',
  'self-excluded',
  'limit-change-not-open',
  // kyc
  'identity-not-verified',
  'verification-not-open',
  // wallet
  'insufficient-funds',
  'duplicate-transaction',
  'transaction-not-found',
  'transaction-rolled-back',
  'stake-returned',
  'bonus-bet-too-large',
  'stake-too-large',
  'wallet-not-found',
  'proof-pending',
  'withdrawals-stopped',
  // payments
  'payment-method-unavailable',
  'deposit-not-awaiting-action',
  'withdrawal-not-pending',
  'withdrawal-pending-wagering',
  'already-decided',
  'own-approval',
  'refund-not-open',
  'refund-unsupported',
  'modification-not-open',
  'dispute-not-open',
  'fraud-alert-not-open',
  'break-not-open',
  'amount-below-minimum',
  'amount-above-maximum',
  'payment-limit-exceeded',
  'list-entry-not-open',
  'quote-expired',
  'quote-not-open',
  'retry-rule-looser',
  'retry-rule-not-open',
  'lookup-import-not-open',
  'setting-not-open',
  'held-money-not-open',
  'work-item-not-open',
  'invalid-address-checksum',
  'address-resting',
  // games, bonus, backoffice
  'unknown-game',
  'game-session-invalid',
  'round-void-pending',
  'round-void-not-open',
  'provider-refused',
  'provider-lacks-feature',
  'version-outdated',
  'name-taken',
  'too-many-keys',
  'free-rounds-not-cancellable',
  'award-active',
  'award-not-active',
  // wallet: holds, money that goes back, corrections, exchanges
  'hold-not-open',
  'hold-exceeded',
  'exceeds-captured',
  'exceeds-authorised',
  'several-captures-unsupported',
  'adjustment-not-open',
  'rate-not-current',
  // games, the sportsbook
  'unknown-selection',
  'related-legs',
  'market-closed',
  'market-suspended',
  'odds-changed',
  'stake-out-of-range',
  'player-stake-limit',
  'payout-too-large',
  'bet-not-open',
  'cash-out-unavailable',
  'cash-out-offer-gone',
  'result-not-applicable',
  // the rule engine
  'rule-invalid',
  'rule-step-refused',
  // What we depend on
  'dependency-unavailable',
  'overloaded',
] as const;

export type FailureCode = (typeof failureCodes)[number];

export type Failure = {
  readonly code: FailureCode;
  /** One sentence for a developer; never personal data. */
  readonly detail: string;
  /** JSON pointers of the offending fields, where there are any. */
  readonly fields?: readonly { readonly pointer: string; readonly detail: string }[];
  /** Seconds after which a retry makes sense. */
  readonly retryAfterS?: number;
};

export type Result<T, F = Failure> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: F };

export const succeed = <T>(value: T): Result<T, never> => ({ ok: true, value });

export const fail = (
  code: FailureCode,
  detail: string,
  more: Pick<Failure, 'fields' | 'retryAfterS'> = {},
): { ok: false; failure: Failure } => ({ ok: false, failure: { code, detail, ...more } });

/** Carries a failure through code that must throw: activities and HTTP handlers. */
export class FailureError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(`${failure.code}: ${failure.detail}`);
    this.name = 'FailureError';
    this.failure = failure;
  }
}

/** Unwraps a result at an edge that throws. */
export function orThrow<T>(result: Result<T>): T {
  if (!result.ok) throw new FailureError(result.failure);
  return result.value;
}

/** A broken invariant is a bug, not a failure: it throws and nobody catches it. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}

export function assertNever(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}
