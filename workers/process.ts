/** How a process ends: on a signal in order and with an exit code that tells the truth, on a fault at once. */
import { ConfigFailure } from './config-failure.ts';

export type Closing = {
  /** Runs when the process is told to stop; the last one added runs first. */
  readonly add: (close: () => unknown) => void;
  readonly started: boolean;
};

/** Longer than the grace that work in flight gets, shorter than what an orchestrator waits before SIGKILL. */
const closeTimeoutMs = 20_000;

/**
 * Runs `start` until it ends or SIGINT or SIGTERM arrives, then closes what it registered. A fault at start is one
 * sentence on stderr and exit code 1; one later is also logged by whoever met it.
 */
export async function runProcess(name: string, start: (closing: Closing) => Promise<unknown>): Promise<void> {
  const closers: (() => unknown)[] = [];
  const state = { started: false };
  let ending: Promise<void> | undefined;

  const end = (code: number): Promise<void> => {
    ending ??= (async () => {
      state.started = true;
      const force = setTimeout(() => process.exit(code || 1), closeTimeoutMs);
      for (const close of closers.toReversed()) {
        await Promise.resolve()
          .then(close)
          .catch((error: unknown) => report(name, error));
      }
      clearTimeout(force);
      process.exit(code);
    })();
    return ending;
  };

  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0));
  const closing: Closing = {
    add: (close) => closers.push(close),
    get started() {
      return state.started;
    },
  };
  try {
    await start(closing);
  } catch (error) {
    if (!state.started) {
      report(name, error);
      await end(1);
    }
  }
}

function report(name: string, error: unknown): void {
  const sentences =
    error instanceof ConfigFailure
      ? error.problems
      : [error instanceof Error ? error.message : String(error)];
  for (const sentence of sentences) process.stderr.write(`${name}: ${sentence}\n`);
}
