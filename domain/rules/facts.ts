/** Facts as they are stored with a decision, so that it can be decided again and explained later. */
import { fail, succeed, type Result } from '../failures.ts';
import type { Catalogue } from './catalogue.ts';
import { isOrdered, type Facts, type RuleType, type RuleValue } from './rule-types.ts';

/** Whole numbers as text: JSON numbers are floats. */
export type StoredFacts = Readonly<Record<string, string | boolean | null>>;

/** What was known, in the order of the catalogue; absent values are written, because absence was an input, too. */
export const toStoredFacts = (catalogue: Catalogue, facts: Facts): StoredFacts =>
  Object.fromEntries(
    [...catalogue.fields.keys()].map((name) => {
      const value = facts.get(name) ?? null;
      return [name, typeof value === 'bigint' ? value.toString() : value];
    }),
  );

/**
 * Reads facts that were stored, or sent by somebody who tries a rule out. Names that the catalogue no longer has are left
 * out, names that are new are absent. Failure: `rule-invalid` when a value is not of its field's type.
 */
export function fromStoredFacts(catalogue: Catalogue, stored: StoredFacts): Result<Facts> {
  const facts = new Map<string, RuleValue>();
  for (const [name, value] of Object.entries(stored)) {
    const type = catalogue.fields.get(name)?.type;
    if (type === undefined) continue;
    const read = value === null ? null : readValue(value, type);
    if (read === undefined) return fail('rule-invalid', `The value of ${name} is not of its type.`);
    facts.set(name, read);
  }
  return succeed(facts);
}

function readValue(value: string | boolean, type: RuleType): RuleValue | undefined {
  if (type.kind === 'boolean') return typeof value === 'boolean' ? value : undefined;
  if (typeof value !== 'string') return undefined;
  if (isOrdered(type)) return /^-?\d{1,38}$/.test(value) ? BigInt(value) : undefined;
  return value;
}
