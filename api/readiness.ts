/** Asks each dependency of a process whether it answers, all at once and never longer than the given time. */

export type DependencyState = { readonly state: 'up' | 'down'; readonly latencyMs: number };

export type Readiness = {
  /** `degraded`: the process serves, but something that only some of its work needs is away. */
  readonly status: 'ready' | 'degraded' | 'not-ready';
  readonly dependencies: Readonly<Record<string, DependencyState>>;
};

/** Resolves when the dependency answers and rejects when it does not. */
export type Probe = () => Promise<unknown>;

/** `required` names the probes without which the process is of no use; all others only degrade it. */
export async function askDependencies(
  probes: Readonly<Record<string, Probe>>,
  required: readonly string[],
  timeoutMs = 1_500,
): Promise<Readiness> {
  const entries = await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => [name, await ask(probe, timeoutMs)] as const),
  );
  const down = entries.filter(([, { state }]) => state === 'down').map(([name]) => name);
  return {
    status:
      down.length === 0 ? 'ready' : down.some((name) => required.includes(name)) ? 'not-ready' : 'degraded',
    dependencies: Object.fromEntries(entries),
  };
}

async function ask(probe: Probe, timeoutMs: number): Promise<DependencyState> {
  const startedAt = performance.now();
  const latencyMs = (): number => Math.round(performance.now() - startedAt);
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
  try {
    await Promise.race([probe(), tooLate]);
    return { state: 'up', latencyMs: latencyMs() };
  } catch {
    return { state: 'down', latencyMs: latencyMs() };
  } finally {
    clearTimeout(timer);
  }
}
