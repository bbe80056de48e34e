/**
 * Rules that this process found and could not read: what stands in for them goes on without them, so somebody has to be
 * told. Kept per process, because another build may read what this one cannot.
 */
import type { Database, Trx } from '#db/connect.ts';
import { openWorkItem } from './commands/work-items.ts';

export type UnreadableRule = {
  readonly ruleSet: string;
  readonly state: 'live' | 'shadow';
  /** Null for rules of all brands. */
  readonly brand: string | null;
  /** `{noun}:{id}` of the row. */
  readonly subject: string;
  /** What is wrong with it and what stands in for it. */
  readonly reason: string;
};

type Kind = Pick<UnreadableRule, 'ruleSet' | 'state'>;

const places = new Map<string, Kind & { readonly rules: readonly UnreadableRule[] }>();
const listeners = new Set<(rule: UnreadableRule) => void>();

/** Tells a process's log of every rule when it is first met. */
export function onUnreadableRule(listener: (rule: UnreadableRule) => void): void {
  listeners.add(listener);
}

/** How many there are now, of every kind that this process has looked for. */
export function countUnreadableRules(): readonly (Kind & { readonly count: number })[] {
  const counts = new Map<string, Kind & { count: number }>();
  for (const { ruleSet, state, rules } of places.values()) {
    const known = counts.get(`${ruleSet} ${state}`) ?? { ruleSet, state, count: 0 };
    counts.set(`${ruleSet} ${state}`, { ...known, count: known.count + rules.length });
  }
  return [...counts.values()];
}

/**
 * What a reading of one place has found, none included: the count follows it, the log hears of what is new, and a live rule
 * becomes a work item. A trial decides nothing, so nobody is called for it.
 */
export async function noteUnreadable(
  db: Database | Trx,
  place: Omit<UnreadableRule, 'subject' | 'reason'>,
  rules: readonly UnreadableRule[],
): Promise<void> {
  remember(place, 'read', rules);
  for (const { state, subject, brand, reason } of rules)
    if (state === 'live') await openWorkItem(db, { kind: 'unreadable-rules', subject, brand, reason });
}

/** What a version under trial says; null where it cannot be asked, because a trial must not fail what is decided live. */
export function underTrial<T>(
  version: { readonly id: string; readonly version: number },
  about: { readonly ruleSet: string; readonly brand: string },
  decide: () => T,
): T | null {
  const place = { ...about, state: 'shadow' } as const;
  try {
    const said = decide();
    remember(place, 'asked', []);
    return said;
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it failed';
    const reason = `version ${version.version} of ${about.ruleSet} is under trial and cannot be asked: ${why}`;
    remember(place, 'asked', [{ ...place, subject: `rule-version:${version.id}`, reason }]);
    return null;
  }
}

function remember(
  { ruleSet, state, brand }: Omit<UnreadableRule, 'subject' | 'reason'>,
  step: 'read' | 'asked',
  rules: readonly UnreadableRule[],
): void {
  const name = `${ruleSet} ${state} ${brand ?? '*'} ${step}`;
  const before = places.get(name)?.rules ?? [];
  places.set(name, { ruleSet, state, rules });
  for (const rule of rules)
    if (!before.some(({ subject }) => subject === rule.subject))
      for (const listener of listeners) listener(rule);
}
