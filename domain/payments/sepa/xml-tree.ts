/** XML as plain data: what a parser outside the domain makes of a file, and how its parts are read and written. */

export type XmlElement = {
  /** Without its prefix. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
};

export const childrenOf = (element: XmlElement | null, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];

/** The first element at `path`, such as `RmtInf/Strd/CdtrRefInf/Ref`. */
export function elementAt(element: XmlElement | null, path: string): XmlElement | null {
  let found = element;
  for (const name of path.split('/')) found = childrenOf(found, name)[0] ?? null;
  return found;
}

/** The text at `path` without spaces around it, null where there is none. */
export function textAt(element: XmlElement | null, path: string): string | null {
  const text = elementAt(element, path)?.text.trim() ?? '';
  return text === '' ? null : text;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? '');

/** An element with text, or with the elements inside it. */
export const xml = (
  name: string,
  content: string | readonly string[],
  attributes: Readonly<Record<string, string>> = {},
): string => {
  const head = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('');
  const inside = typeof content === 'string' ? escaped(content) : content.join('');
  return `<${name}${head}>${inside}</${name}>`;
};
