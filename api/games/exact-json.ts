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

const refuseRepeatedKey = ({ key }: { key: string }): never => {
  throw new SyntaxError(`the key ${key} is repeated`);
};

/** Parses or throws SyntaxError. */
export const parseExactJson = (text: string): unknown => parse(text, null, { parseNumber, onDuplicateKey: refuseRepeatedKey });
