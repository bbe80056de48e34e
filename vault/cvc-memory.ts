/** Security codes between the page and the authorisation: in this process's memory for minutes, nowhere else (PCI DSS 3.3.1). */

export type CvcMemory = {
  keep(token: string, cvc: string): void;
  read(token: string): string | null;
  forget(token: string): void;
  size(): number;
};

/** Long enough for a first charge and a second PSP after its decline. */
export const cvcLifetimeMs = 5 * 60_000;
const entriesMax = 10_000;

/** `nowMs` is a clock that never goes back. */
export function createCvcMemory(nowMs: () => number = () => performance.now()): CvcMemory {
  const entries = new Map<string, { cvc: string; untilMs: number }>();
  const forgetOld = (): void => {
    // In the order of their end, because all live equally long.
    for (const [token, { untilMs }] of entries) {
      if (untilMs > nowMs() && entries.size <= entriesMax) return;
      entries.delete(token);
    }
  };
  setInterval(forgetOld, 5_000).unref();
  return {
    keep: (token, cvc) => {
      entries.delete(token);
      entries.set(token, { cvc, untilMs: nowMs() + cvcLifetimeMs });
      forgetOld();
    },
    read: (token) => {
      forgetOld();
      return entries.get(token)?.cvc ?? null;
    },
    forget: (token) => void entries.delete(token),
    size: () => {
      forgetOld();
      return entries.size;
    },
  };
}
