/** XML of a bank as plain data: bounded, without document types, and with every value as the text that was sent. */
import { XMLParser } from 'fast-xml-parser';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { XmlElement } from '#domain/payments/sepa/xml-tree.ts';

/** A day of a busy account is a few megabytes. */
export const xmlBytesMax = 32 * 1024 * 1024;
const depthMax = 40;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  removeNSPrefix: true,
  // Amounts stay text: a number would be a float.
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/** `invalid-request` for what is no XML, too large or too deep, and for any document type: entities are an attack. */
export function readXml(bytes: Buffer): Result<XmlElement> {
  if (bytes.length > xmlBytesMax) return fail('invalid-request', 'The file is too large.');
  const text = decode(bytes);
  if (text === null) return fail('invalid-request', 'The file is not UTF-8.');
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) return fail('invalid-request', 'The file defines a document type.');
  let parsed: unknown;
  try {
    parsed = parser.parse(text, true);
  } catch {
    return fail('invalid-request', 'The file is no XML.');
  }
  const roots = elementsOf(parsed, 0);
  const [root] = roots ?? [];
  return roots?.length === 1 && root !== undefined
    ? succeed(root)
    : fail('invalid-request', 'The file has no single root, or is nested too deeply.');
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The parser's ordered form: an element is an object with its name as a key, its attributes under `:@`. Null when too deep. */
function elementsOf(nodes: unknown, depth: number): XmlElement[] | null {
  if (depth > depthMax || !Array.isArray(nodes)) return null;
  const elements: XmlElement[] = [];
  for (const node of nodes as readonly Record<string, unknown>[]) {
    const name = Object.keys(node).find((key) => key !== ':@' && key !== '#text');
    if (name === undefined) continue;
    const inside = node[name];
    const children = elementsOf(inside, depth + 1);
    if (children === null) return null;
    elements.push({
      name,
      attributes: (node[':@'] ?? {}) as Record<string, string>,
      children,
      text: textOf(inside),
    });
  }
  return elements;
}

const textOf = (inside: unknown): string =>
  Array.isArray(inside)
    ? (inside as readonly Record<string, unknown>[])
        .map((node) => (typeof node['#text'] === 'string' ? node['#text'] : ''))
        .join('')
    : '';
