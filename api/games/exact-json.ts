/** JSON as money needs it: integers arrive as bigint, and a repeated key is an error instead of a silent overwrite. */
import { parse, stringify } from 'lossless-json';

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

/** Parses or throws SyntaxError. */
export function parseExactJson(text: string): unknown {
  const value = parse(text, null, parseNumber);
  refuseRepeatedKeys(text);
  return value;
}

const tokenForm = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

/** The parser itself lets a key pass that repeats with an equal value. `text` is well-formed JSON by now. */
function refuseRepeatedKeys(text: string): void {
  const objects: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(tokenForm)) {
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (colon !== undefined) {
      const keys = objects.at(-1);
      const key: unknown = JSON.parse(token.slice(0, -colon.length));
      if (typeof key !== 'string' || keys?.has(key))
        throw new SyntaxError(`a key is repeated: ${token.slice(0, 80)}`);
      keys?.add(key);
    }
  }
}

/** JSON text of what `parseExactJson` gave, number for number. */
export const exactJsonText = (value: unknown): string =>
  stringify(value, null, undefined, [
    { test: (part) => part instanceof InexactNumber, stringify: (part) => (part as InexactNumber).text },
  ]) ?? 'null';
