/** Our reference of a payout in the 35 characters that a bank carries to the other end. */
import { parseReference } from '../reference.ts';

/** Throws for what is no reference of a payout. */
export function endToEndIdOf(reference: string): string {
  const subject = parseReference(reference);
  if (subject?.kind !== 'withdrawal') throw new Error('Invariant broken: this is no reference of a payout');
  return `${subject.id.replaceAll('-', '')}P${subject.attempt}`;
}
