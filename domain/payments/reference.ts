/** Our own reference of a call to a PSP: its idempotency key, what status is asked by, and what webhooks name. */
export const depositReference = (depositId: string, attempt: number): string =>
  `deposit:${depositId}:a${attempt}`;
/** Of the void of what was held for an attempt after it was closed. */
export const voidReference = (depositId: string, attempt: number): string =>
  `${depositReference(depositId, attempt)}:v`;
export const payoutReference = (withdrawalId: string, attempt: number): string =>
  `withdrawal:${withdrawalId}:p${attempt}`;
/** Attempts of a withdrawal's leg: 1 to 99 for the first, 101 to 199 for the second. */
export const payoutNumber = (leg: number, attempt: number): number => (leg - 1) * 100 + attempt;
export const legOfNumber = (number: number): number => Math.floor((number - 1) / 100) + 1;
/** A refund has one call for ever, so its reference needs no number. */
export const refundReference = (refundId: string): string => `refund:${refundId}`;

export const modificationReference = (modificationId: string): string => `modification:${modificationId}`;

export type PaymentSubject = {
  readonly kind: 'deposit' | 'withdrawal' | 'refund' | 'modification';
  readonly id: string;
  /** 1 for a refund and a modification. */
  readonly attempt: number;
};

/** A void (`:v`) is about the attempt that it ends. */
const form =
  /^(?:(deposit):([0-9a-f-]{36}):a(?=\d{1,2}(?::v)?$)|(withdrawal):([0-9a-f-]{36}):p(?=\d{1,4}$))(\d{1,4})(?::v)?$/;
const unnumberedForm = /^(refund|modification):([0-9a-f-]{36})$/;

/** Reads a reference back; null for what is not ours. */
export function parseReference(reference: string): PaymentSubject | null {
  const unnumbered = unnumberedForm.exec(reference);
  if (unnumbered?.[2] !== undefined)
    return { kind: unnumbered[1] === 'refund' ? 'refund' : 'modification', id: unnumbered[2], attempt: 1 };
  const match = form.exec(reference);
  if (match === null) return null;
  const attempt = Number(match[5]);
  if (match[2] !== undefined) return { kind: 'deposit', id: match[2], attempt };
  return match[4] === undefined ? null : { kind: 'withdrawal', id: match[4], attempt };
}

/** `{noun}:{id}`, as inbox rows, work items and journals name a payment. */
export const subjectOf = ({ kind, id }: Pick<PaymentSubject, 'kind' | 'id'>): string => `${kind}:${id}`;
