/**
 * The breakers of this process, one per PSP. Each process keeps its own: what it cannot reach another one may, a shared
 * row would be written with every charge, and a process learns in five calls what it would be told (decision 0028).
 */
import { admit, closedBreaker, hear, isAnswer, type Breaker } from '#domain/payments/circuit-breaker.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';

export type PspBreakers = {
  /** Null while the PSP is left alone. A turn obliges the caller to tell `hear` how the call of it ended. */
  readonly admits: (psp: string) => number | null;
  readonly hear: (psp: string, turn: number, outcome: PspOutcome) => void;
  readonly states: () => ReadonlyMap<string, Breaker['state']>;
};

export function createPspBreakers(clockMs: () => number = () => performance.now()): PspBreakers {
  const breakers = new Map<string, Breaker>();
  const of = (psp: string): Breaker => breakers.get(psp) ?? closedBreaker;
  return {
    admits: (psp) => {
      const { breaker, turn } = admit(of(psp), clockMs());
      breakers.set(psp, breaker);
      return turn;
    },
    hear: (psp, turn, outcome) => void breakers.set(psp, hear(of(psp), turn, isAnswer(outcome), clockMs())),
    states: () => new Map([...breakers].map(([psp, { state }]) => [psp, state])),
  };
}
