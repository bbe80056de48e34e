/** Structured creditor references (ISO 11649): what a player writes into a transfer so that we know whose it is. */
import { remainder97 } from './remainder.ts';

/** 21 letters and digits at most, as the standard allows. */
const bodyForm = /^[0-9A-Z]{1,21}$/;

/** `RF`, two check digits and `body`; throws on what cannot be one, because we make the body ourselves. */
export function creditorReference(body: string): string {
  if (!bodyForm.test(body)) throw new Error('Invariant broken: this cannot be a creditor reference');
  const digits = String(98 - remainder97(`${body}RF00`)).padStart(2, '0');
  return `RF${digits}${body}`;
}

/** True for a reference whose check digits fit; spaces are not allowed here. */
export const isCreditorReference = (text: string): boolean =>
  /^RF\d{2}[0-9A-Z]{1,21}$/.test(text) && remainder97(text.slice(4) + text.slice(0, 4)) === 1;

/** Characters of the body of every reference that we give out: a fixed length, so that words around it do not confuse. */
export const ownBodyLength = 16;

/** Players type references with spaces, in small letters and among other words: the first of ours that checks out, or null. */
export function findCreditorReference(text: string): string | null {
  const plain = text.toUpperCase().replace(/[^0-9A-Z]/g, '');
  for (let start = plain.indexOf('RF'); start >= 0; start = plain.indexOf('RF', start + 1)) {
    const candidate = plain.slice(start, start + 4 + ownBodyLength);
    if (candidate.length === 4 + ownBodyLength && isCreditorReference(candidate)) return candidate;
  }
  return null;
}
