/** JSON whose integers stay exact beyond 2^53: read as bigint, written as plain numbers. */
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

// Node 24 has both; TypeScript's es2024 library does not describe them yet.
const exact = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: Reviver): unknown;
};

export function exactJsonText(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? exact.rawJSON(field.toString()) : field,
  );
}

export function parseExactJson(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value,
  );
}
