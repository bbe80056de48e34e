/**
 * Security codes between the page and the authorisation: in this process's memory for minutes, nowhere else, and handed
 * out once. With the request that carries one to a PSP its authorisation begins, and however that ends (approved, declined,
 * silent, this process or its caller gone) nothing of the code is left here (PCI DSS 3.3.1).
 */

/** A code on its way out. Only what provably never left may be given back, and lives no longer for it. */
export type TakenCvc = { readonly cvc: string; readonly untilMs: number };

export type CvcMemory = {
  keep(token: string, cvc: string): void;
  /** The code, which is forgotten by it. */
  take(token: string): TakenCvc | null;
  giveBack(token: string, taken: TakenCvc): void;
  forget(token: string): void;
  size(): number;
};

/** Long enough for a player to be asked by the shop between the page and the charge. */
export const cvcLifetimeMs = 5 * 60_000;
const entriesMax = 10_000;

/** `nowMs` is a clock that never goes back. */
export function createCvcMemory(nowMs: () => number = () => performance.now()): CvcMemory {
  // Bytes, because they can be overwritten; a text stays until the collector comes.
  const entries = new Map<string, { readonly bytes: Buffer; readonly untilMs: number }>();
  const forget = (token: string): void => {
    entries.get(token)?.bytes.fill(0);
    entries.delete(token);
  };
  const forgetOld = (): void => {
    for (const [token, { untilMs }] of entries)
      if (untilMs <= nowMs() || entries.size > entriesMax) forget(token);
  };
  setInterval(forgetOld, 5_000).unref();
  const put = (token: string, cvc: string, untilMs: number): void => {
    forget(token);
    entries.set(token, { bytes: Buffer.from(cvc, 'latin1'), untilMs });
  };
  return {
    keep(token, cvc) {
      put(token, cvc, nowMs() + cvcLifetimeMs);
      if (entries.size > entriesMax) forgetOld();
    },
    take(token) {
      const entry = entries.get(token);
      const isAlive = entry !== undefined && entry.untilMs > nowMs();
      const taken = isAlive ? { cvc: entry.bytes.toString('latin1'), untilMs: entry.untilMs } : null;
      forget(token);
      return taken;
    },
    giveBack(token, { cvc, untilMs }) {
      if (untilMs > nowMs() && !entries.has(token)) put(token, cvc, untilMs);
    },
    forget,
    size: () => {
      forgetOld();
      return entries.size;
    },
  };
}
