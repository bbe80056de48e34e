/** JSON as money needs it: integers arrive as bigint, and a repeated key is an error instead of a silent overwrite. */
import { stringify } from 'lossless-json';

/** A number that is not written as a plain integer; no schema of a wallet call accepts one. */
export class InexactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A negative zero is no integer: nobody who can count writes one, and BigInt would lose its sign. */
const parseNumber = (text: string): bigint | InexactNumber =>
  /^(0|-?[1-9]\d*)$/.test(text) ? BigInt(text) : new InexactNumber(text);

/**
 * Whether a body of this type is read as JSON. The signature over the raw bytes says what was meant, so a type that is
 * missing or plain text is no reason to lose a bet; one that says something else is.
 */
export const isReadAsJson = (contentType: string | undefined): boolean =>
  contentType === undefined || /^(application\/([\w.-]+\+)?json|text\/plain)\s*(;|$)/i.test(contentType);

/** The compiler does not know yet that a reviver is told how a value was written. */
const parseWithSource = JSON.parse as (
  text: string,
  read: (this: unknown, key: string, value: unknown, written: { readonly source: string }) => unknown,
) => unknown;

/** Parses or throws SyntaxError. */
export function parseExactJson(text: string): unknown {
  let properties = 0;
  const value = parseWithSource(text, function read(this: unknown, _key, inner, { source }) {
    if (!Array.isArray(this)) properties += 1;
    return typeof inner === 'number' ? parseNumber(source) : inner;
  });
  // The root is a property, too, of an object that the parser makes for it.
  if (keysIn(text) !== properties - 1) throw new SyntaxError('a key is repeated');
  return value;
}

/** How many keys are written: every one ends in the only colon that may stand outside a string. */
function keysIn(text: string): number {
  let keys = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    for (at += 1; text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1;
    let after = at + 1;
    while (/\s/.test(text[after] ?? '')) after += 1;
    if (text[after] === ':') keys += 1;
  }
  return keys;
}

/** JSON text of what `parseExactJson` gave, number for number. */
export const exactJsonText = (value: unknown): string =>
  stringify(value, null, undefined, [
    { test: (part) => part instanceof InexactNumber, stringify: (part) => (part as InexactNumber).text },
  ]) ?? 'null';
