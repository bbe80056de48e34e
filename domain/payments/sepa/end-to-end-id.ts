/** Our reference of a payout in the 35 characters that a bank carries to the other end. */
import { parseReference } from '../reference.ts';

/** A later leg's number is longer, so its id is written in base 36. Throws for what is no reference of a payout. */
export function endToEndIdOf(reference: string): string {
  const subject = parseReference(reference);
  if (subject?.kind !== 'withdrawal') throw new Error('Invariant broken: this is no reference of a payout');
  const hex = subject.id.replaceAll('-', '');
  if (subject.attempt < 100) return `${hex}P${subject.attempt}`;
  return `${BigInt(`0x${hex}`).toString(36).toUpperCase().padStart(25, '0')}L${subject.attempt}`;
}
