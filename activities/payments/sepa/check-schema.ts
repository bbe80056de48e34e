/** Checks files against the schemas beside this file, with libxml2 itself, before they leave and before they are read. */
import { readFileSync } from 'node:fs';
import { ParseOption, XmlDocument, XmlLibError, XsdValidator } from 'libxml2-wasm';
import { fail, succeed, type Result } from '#domain/failures.ts';

export const messageNames = [
  'pain.001.001.09',
  'pain.002.001.10',
  'camt.053.001.08',
  'camt.054.001.08',
] as const;
export type MessageName = (typeof messageNames)[number];

const validators = new Map<MessageName, XsdValidator>();

/** Compiled once: a validator lives as long as the process. */
function validatorOf(name: MessageName): XsdValidator {
  const known = validators.get(name);
  if (known !== undefined) return known;
  const schema = XmlDocument.fromBuffer(readFileSync(new URL(`schemas/${name}.xsd`, import.meta.url)));
  try {
    const validator = XsdValidator.fromDoc(schema);
    validators.set(name, validator);
    return validator;
  } finally {
    schema.dispose();
  }
}

/** Which of our messages a file claims to be, by its namespace; null for any other. */
export const messageNameOf = (text: string): MessageName | null =>
  messageNames.find((name) => text.includes(`"urn:iso:std:iso:20022:tech:xsd:${name}"`)) ?? null;

/** `invalid-request` with the place of the first breach. Nothing is loaded from outside, and no entity is expanded. */
export function checkSchema(bytes: Uint8Array, name: MessageName): Result<null> {
  let document: XmlDocument | null = null;
  try {
    document = XmlDocument.fromBuffer(bytes, { option: ParseOption.XML_PARSE_NONET });
    validatorOf(name).validate(document);
    return succeed(null);
  } catch (error) {
    if (!(error instanceof XmlLibError)) throw error;
    const [first] = error.details;
    // What stands in the file is personal: only the place and the element's name are told.
    const element = /Element '(?:\{[^}]*\})?([A-Za-z0-9]+)'/.exec(first?.message ?? '')?.[1];
    return fail(
      'invalid-request',
      `The file is no valid ${name}: line ${first?.line ?? 0}${element === undefined ? '' : `, element ${element}`}.`,
    );
  } finally {
    document?.dispose();
  }
}
