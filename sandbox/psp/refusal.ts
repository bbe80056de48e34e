/** A request the PSP will not carry out, in neutral words; each dialect dresses it in its own error shape. */
export type RefusalReason =
  | 'not_found'
  | 'invalid_state'
  | 'amount_too_large'
  | 'invalid_amount'
  | 'missing_parameter'
  | 'invalid_card'
  | 'already_processed';

export class Refusal extends Error {
  readonly reason: RefusalReason;
  readonly parameter: string | undefined;

  constructor(reason: RefusalReason, message: string, parameter?: string) {
    super(message);
    this.reason = reason;
    this.parameter = parameter;
  }
}

/** Minor units as a whole number; never a float, never beyond what a number holds exactly. */
export function minorUnits(value: unknown, parameter: string): number {
  const amount =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^\d{1,16}$/.test(value)
        ? Number(value)
        : NaN;
  if (!Number.isSafeInteger(amount) || amount <= 0)
    throw new Refusal('invalid_amount', `Invalid positive integer: ${parameter}`, parameter);
  return amount;
}
