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

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses a body or throws. Bytes that are no UTF-8 are refused: read leniently, two ids could become one. */
export const parseExactBody = (raw: Buffer): unknown => parseExactJson(utf8.decode(raw));

/** Parses or throws SyntaxError. */
export function parseExactJson(text: string): unknown {
  const written = surveyOf(text);
  const { value, keys } = written.isPlain ? parsePlain(text) : parseWritten(text);
  if (written.keys !== keys) throw new SyntaxError('a key is repeated');
  return value;
}

type Read = { readonly value: unknown; readonly keys: number };

/** Every number as it was written. A reviver sees each value, which costs several times the parsing itself. */
function parseWritten(text: string): Read {
  let properties = 0;
  const value = parseWithSource(text, function read(this: unknown, _key, inner, { source }) {
    if (!Array.isArray(this)) properties += 1;
    return typeof inner === 'number' ? parseNumber(source) : inner;
  });
  // The root is a property, too, of an object that the parser makes for it.
  return { value, keys: properties - 1 };
}

/** Where every number is a short integer, as nearly always, a float has held it exactly. */
function parsePlain(text: string): Read {
  let keys = 0;
  const exact = (value: unknown): unknown => {
    if (typeof value === 'number') return BigInt(value);
    if (Array.isArray(value)) return value.map(exact);
    if (typeof value !== 'object' || value === null) return value;
    const fields = value as Record<string, unknown>;
    for (const key in fields) {
      keys += 1;
      const inner = fields[key];
      if (typeof inner !== 'string' && typeof inner !== 'boolean') fields[key] = exact(inner);
    }
    return fields;
  };
  return { value: exact(JSON.parse(text)), keys };
}

type Survey = {
  /** How many keys are written: every one ends in the only colon that may stand outside a string. */
  readonly keys: number;
  /** Whether every number is an integer of at most fifteen digits. */
  readonly isPlain: boolean;
};

const quote = 0x22;
const colon = 0x3a;
const minus = 0x2d;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** What a text shows outside its strings, whether it is JSON or not. */
function surveyOf(text: string): Survey {
  let keys = 0;
  let isPlain = true;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at);
      if (at < 0) break;
    } else if (code === colon) keys += 1;
    else if (code === minus || isDigit(code)) {
      const startsAt = at;
      while (isDigit(text.charCodeAt(at + 1))) at += 1;
      // A negative number is left to the exact reading, which knows what a zero with a sign is.
      if (code === minus || at - startsAt >= 15 || isFractionAt(text, at + 1)) isPlain = false;
    }
  }
  return { keys, isPlain };
}

/** Where the quote is that ends the string begun at `at`; negative where none does. */
function endOfString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let slashesFrom = at;
  while (text[slashesFrom - 1] === '\\') slashesFrom -= 1;
  return (at - slashesFrom) % 2 === 1;
}

/** Whether what follows the digits makes a number no integer: a point or an exponent. */
const isFractionAt = (text: string, at: number): boolean => {
  const next = text[at];
  return next === '.' || next === 'e' || next === 'E';
};

/** JSON text of what `parseExactJson` gave, number for number. */
export const exactJsonText = (value: unknown): string =>
  stringify(value, null, undefined, [
    { test: (part) => part instanceof InexactNumber, stringify: (part) => (part as InexactNumber).text },
  ]) ?? 'null';
