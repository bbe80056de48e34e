/** A child process that talks over the IPC channel: load tools and workers that must not share our event loop. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type Child = {
  readonly pid: number;
  readonly send: (message: object | string) => void;
  /** The next message. Throws when the child ends instead. */
  readonly next: () => Promise<unknown>;
  /** Tells it to end and waits. */
  readonly end: () => Promise<void>;
};

/** Starts a script of this folder or a path below the checkout. */
export function startChild(
  script: string,
  environment: Readonly<NodeJS.ProcessEnv>,
  execArgv: readonly string[] = [],
): Child {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const process_ = fork(path, [], {
    env: { ...environment },
    execArgv: [...execArgv],
    serialization: 'advanced',
  });
  const waiting: unknown[] = [];
  process_.on('message', (message) => waiting.push(message));
  return {
    pid: process_.pid ?? 0,
    send: (message) => void process_.send(message),
    next: async () => {
      while (waiting.length === 0) await messageOrEnd(process_, script);
      return waiting.shift();
    },
    end: async () => {
      if (process_.exitCode !== null) return;
      const ended = once(process_, 'exit');
      const force = setTimeout(() => process_.kill('SIGKILL'), 10_000);
      if (process_.connected) process_.send('end');
      process_.kill('SIGTERM');
      await ended;
      clearTimeout(force);
    },
  };
}

async function messageOrEnd(child: ChildProcess, script: string): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const ended = once(child, 'exit', { signal }).then(([code]: unknown[]) => {
    throw new Error(`${script} ended with ${String(code)} before it had answered.`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([once(child, 'message', { signal }), ended]);
  } finally {
    stop.abort();
  }
}
