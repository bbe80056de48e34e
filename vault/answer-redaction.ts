/**
 * Takes card numbers out of what a PSP answered before a caller sees it: the number that was sent, in every form we know
 * of, and anything else that is one by brand, length and check digit. What cannot be taken out is withheld whole.
 */
import { isCardNumber } from './card-number.ts';

export const masked = '[card number]';

/** Digits with at most one space, dash or dot between two of them. */
const numberForm = /\d(?:[ .\u00a0-]?\d){11,22}/g;

export type RedactedAnswer = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'withheld' };

export function redactAnswer(text: string, number: string, cvc: string | null): RedactedAnswer {
  const parsed = parseJson(text);
  const redacted =
    parsed === undefined ? maskText(text, number) : JSON.stringify(maskJson(parsed, number, cvc));
  return holdsNumber(redacted, number) ? { kind: 'withheld' } : { kind: 'text', text: redacted };
}

function maskJson(value: unknown, number: string, cvc: string | null): unknown {
  if (typeof value === 'string') return cvc !== null && value === cvc ? masked : maskText(value, number);
  if (typeof value === 'number') {
    // A float is rounded: a number in it may have lost its last digits and still be told by the first.
    const shown = String(value);
    const digits = shown.replaceAll(/\D/g, '');
    const isTold = Math.abs(value) > Number.MAX_SAFE_INTEGER || digits.includes(number.slice(0, 10));
    return isTold || maskText(shown, number) !== shown ? masked : value;
  }
  if (Array.isArray(value)) return value.map((item) => maskJson(item, number, cvc));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [maskText(name, number), maskJson(item, number, cvc)]),
  );
}

function maskText(text: string, number: string): string {
  return text.replaceAll(numberForm, (found) => {
    const digits = found.replaceAll(/\D/g, '');
    // A number can stand in a longer run of digits; what holds any is masked whole.
    return digits.includes(number) || isCardNumber(digits) ? masked : found;
  });
}

/** The last look, at the text as a whole: other alphabets, escapes and encodings of the one number that was sent. */
function holdsNumber(text: string, number: string): boolean {
  const spread = new RegExp(number.split('').join('[^0-9]{0,3}'));
  const views = [text, unescaped(text), percentDecoded(text), text.normalize('NFKC')];
  if (views.some((view) => spread.test(view))) return true;
  const bytes = Buffer.from(number, 'latin1');
  const encodings = [bytes.toString('hex'), ...base64Cores(bytes)];
  return encodings.some((encoding) => text.toLowerCase().includes(encoding.toLowerCase()));
}

/** What every base64 text that holds these bytes has in it, wherever they begin in it. */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // The first and last characters also depend on the neighbours.
    return encoded.slice(shift === 0 ? 0 : shift + 1, -1);
  });
}

const unescaped = (text: string): string =>
  text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/&#(\d{1,5});/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll(/&#x([0-9a-f]{1,4});/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

const percentDecoded = (text: string): string =>
  text.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
