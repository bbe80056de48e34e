/**
 * Finds negations that also hold because something is not known. A comparison with an absent value is false, so its
 * negation is true: authors rarely mean that, and rules that protect somebody must say it.
 */
import type { CheckedNode } from './checked.ts';

export type RuleProblem = { readonly pointer: string; readonly detail: string };

/** Each `not` over a field that may be absent, unless the rule asks near it whether the field is known. */
export function silentAbsences(
  node: CheckedNode,
  pointer = '',
  spokenOf: ReadonlySet<string> = new Set(),
): readonly RuleProblem[] {
  if (node.node !== 'operation') return [];
  // "is known and not …" and "is not known or …": a question beside the negation, or inside it, has settled the matter.
  const spoken = new Set([...spokenOf, ...node.arguments.flatMap(asksForPresenceOf)]);
  const below = node.arguments.flatMap((one, index) =>
    silentAbsences(one, `${pointer}/arguments/${index}`, spoken),
  );
  if (node.operator !== 'not') return below;
  const names = [...new Set(node.arguments.flatMap((one) => silentFields(one, spoken)))];
  if (names.length === 0) return below;
  const detail = `This also holds when ${names.join(' or ')} is not known; add "is known" or "is not known" to say what is meant.`;
  return [{ pointer, detail }, ...below];
}

function silentFields(node: CheckedNode, spokenOf: ReadonlySet<string>): readonly string[] {
  if (node.node === 'variable')
    return node.isNullable && !spokenOf.has(node.field.name) ? [node.field.name] : [];
  if (node.node !== 'operation' || node.operator === 'isPresent' || node.operator === 'isAbsent') return [];
  const spoken = new Set([...spokenOf, ...node.arguments.flatMap(asksForPresenceOf)]);
  return node.arguments.flatMap((one) => silentFields(one, spoken));
}

const asksForPresenceOf = (node: CheckedNode): readonly string[] =>
  node.node === 'operation' && (node.operator === 'isPresent' || node.operator === 'isAbsent')
    ? node.arguments.flatMap((one) => (one.node === 'variable' ? [one.field.name] : []))
    : [];
