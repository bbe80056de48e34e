/** What the vault refuses with: a closed list of codes, each with its status and a sentence that names no card data. */

export const refusals = {
  'invalid-request': 400,
  'invalid-card-number': 422,
  'invalid-expiry': 422,
  'invalid-cvc': 422,
  'origin-refused': 403,
  'invalid-signature': 401,
  'stale-signature': 401,
  'template-refused': 422,
  'destination-refused': 403,
  'unknown-token': 404,
  'body-too-large': 413,
  'too-many-requests': 429,
  /** The row fails its check: changed, exchanged for another, or sealed with another key. Nobody repeats that away. */
  'card-unreadable': 500,
  'keys-refused': 500,
  'keys-unavailable': 503,
  'database-unavailable': 503,
  /** Proven: the destination never saw the request. */
  'destination-unreachable': 503,
  /** The request may have arrived. */
  'destination-silent': 504,
  /** The answer held a card number in a form that cannot be taken out of it. */
  'answer-withheld': 502,
} as const;

export type RefusalCode = keyof typeof refusals;

export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
    this.code = code;
  }
}
