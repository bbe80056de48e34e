/** What a version would have decided, out of the counts that a database made: the same sums for every back end. */
import type { CompiledDecision } from './decide.ts';
import { heldRows } from './decision-sql.ts';

/** Decisions that are alike: the same rows hold, the same share of the volume, and the same was decided. */
export type ReplayGroup = {
  readonly held: string;
  readonly share: number;
  readonly was: readonly string[];
  readonly decisions: number;
  /** Place of the newest of them: a text that sorts as time and key do. */
  readonly newest: string;
};

export type Replay = {
  readonly decisions: number;
  /** Decisions with another result; among them those whose first word is another one. */
  readonly changed: number;
  readonly firstChanged: number;
  /** Decisions for which the version says nothing. */
  readonly undecided: number;
  /** How often each row would have decided; null is the default. */
  readonly rows: readonly { readonly row: string | null; readonly decisions: number }[];
  /** Those of the groups that would differ, with what they would be, the newest first. */
  readonly differing: readonly (ReplayGroup & {
    readonly would: readonly string[];
    readonly row: string | null;
  })[];
};

/** What outcomes come to, in words that can be compared with what was decided. */
export type ResultOf<O> = (outcomes: readonly O[], share: number) => readonly string[];

export function replayOf<O>(
  decision: CompiledDecision<O>,
  groups: readonly ReplayGroup[],
  resultOf: ResultOf<O>,
): Replay {
  const rows = new Map<string | null, number>();
  const counts = { decisions: 0, changed: 0, firstChanged: 0, undecided: 0 };
  const differing = groups.flatMap((group) => {
    const held = heldRows(decision, group.held).flatMap((number) => decision.rows[number] ?? []);
    const outcomes = held.map(({ outcome }) => outcome);
    if (held.length === 0 && decision.otherwise !== null) outcomes.push(decision.otherwise);
    const would = resultOf(outcomes, group.share);
    const row = held[0]?.name ?? null;
    counts.decisions += group.decisions;
    rows.set(row, (rows.get(row) ?? 0) + group.decisions);
    if (would.length === 0) counts.undecided += group.decisions;
    if (isSame(would, group.was)) return [];
    counts.changed += group.decisions;
    if (would[0] !== group.was[0]) counts.firstChanged += group.decisions;
    return [{ ...group, would, row }];
  });
  return {
    ...counts,
    rows: [...rows].map(([row, decisions]) => ({ row, decisions })),
    differing: differing.toSorted((left, right) => (left.newest > right.newest ? -1 : 1)),
  };
}

const isSame = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((word, index) => word === right[index]);
