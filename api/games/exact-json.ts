/** JSON as money needs it: integers arrive as bigint, and a repeated key is an error instead of a silent overwrite. */
import { parse } from 'lossless-json';

/** A number that is not written as a plain integer; no schema of a wallet call accepts one. */
export class InexactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const parseNumber = (text: string): bigint | InexactNumber =>
  /^-?(0|[1-9]\d*)$/.test(text) ? BigInt(text) : new InexactNumber(text);

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
