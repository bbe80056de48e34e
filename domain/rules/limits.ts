/** How large a rule may be, and the measuring that comes before anything recursive touches a tree of unknown origin. */
import { fail, succeed, type Result } from '../failures.ts';

/** No loops, recursion, regular expressions or functions of the author's own: what is left is bounded by these. */
export const ruleLimits = {
  nodesMax: 200,
  depthMax: 12,
  /** Decimal digits that a whole number may grow to: what ClickHouse keeps in 256 bits, with a reserve. */
  digitsMax: 75,
} as const;

/**
 * Counts objects with a member `node` and their nesting without recursion. Failure: `rule-invalid`. A tree that passes
 * is shallow enough for recursive code.
 */
export function measureTree(tree: unknown): Result<{ readonly nodes: number; readonly depth: number }> {
  const open: { value: unknown; depth: number }[] = [{ value: tree, depth: 1 }];
  let nodes = 0;
  let depthSeen = 0;
  while (open.length > 0) {
    const { value, depth } = open.pop() ?? { value: null, depth: 0 };
    if (typeof value !== 'object' || value === null) continue;
    nodes += 1;
    depthSeen = Math.max(depthSeen, depth);
    if (nodes > ruleLimits.nodesMax)
      return fail('rule-invalid', `A rule has at most ${ruleLimits.nodesMax} nodes.`);
    if (depth > ruleLimits.depthMax)
      return fail('rule-invalid', `A rule is at most ${ruleLimits.depthMax} levels deep.`);
    const children: unknown = 'arguments' in value ? value.arguments : [];
    if (Array.isArray(children)) for (const child of children) open.push({ value: child, depth: depth + 1 });
  }
  return succeed({ nodes, depth: depthSeen });
}

/** Levels of arrays and objects in a stored decision: those of a rule, and the table around it. */
const jsonDepthMax = 40;

/** True when JSON of unknown origin is shallow enough for a recursive schema. Does not recurse itself. */
export function isShallow(json: unknown): boolean {
  const open: { value: unknown; depth: number }[] = [{ value: json, depth: 1 }];
  while (open.length > 0) {
    const { value, depth } = open.pop() ?? { value: null, depth: 0 };
    if (typeof value !== 'object' || value === null) continue;
    if (depth > jsonDepthMax) return false;
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
  return true;
}
