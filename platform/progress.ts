/** Live progress of the bring-up: updating lines on a terminal, plain lines with elapsed times elsewhere. */
import type { WriteStream } from 'node:tty';

export interface Step {
  update(detail: string): void;
  done(detail?: string): void;
  fail(): void;
}

export interface Progress {
  step(name: string): Step;
  note(line: string): void;
  /** Stops the redrawing; open steps stay as they are. */
  close(): void;
}

interface StepState {
  readonly name: string;
  readonly startedMs: number;
  detail: string;
}

const redrawEveryMs = 120;
const plainHeartbeatMs = 10_000;
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export const silentProgress: Progress = {
  step: () => ({ update: () => {}, done: () => {}, fail: () => {} }),
  note: () => {},
  close: () => {},
};

export function createProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? terminalProgress(stream) : plainProgress(stream);
}

export function elapsed(sinceMs: number): string {
  const seconds = (performance.now() - sinceMs) / 1000;
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function line(mark: string, state: StepState): string {
  const detail = state.detail === '' ? '' : `  ${state.detail}`;
  return `${mark} ${state.name.padEnd(22)} ${elapsed(state.startedMs).padStart(8)}${detail}`;
}

export function plainProgress(stream: NodeJS.WritableStream): Progress {
  const open = new Set<StepState>();
  const heartbeat = setInterval(() => {
    for (const state of open) stream.write(`${line('…', state)}\n`);
  }, plainHeartbeatMs);
  heartbeat.unref();
  return {
    step(name) {
      const state: StepState = { name, startedMs: performance.now(), detail: '' };
      open.add(state);
      const finish = (mark: string, detail?: string) => {
        if (!open.delete(state)) return;
        if (detail !== undefined) state.detail = detail;
        stream.write(`${line(mark, state)}\n`);
      };
      return {
        update: (detail) => {
          state.detail = detail;
        },
        done: (detail) => finish('✓', detail),
        fail: () => finish('✗'),
      };
    },
    note: (text) => {
      stream.write(`${text}\n`);
    },
    close: () => clearInterval(heartbeat),
  };
}

function terminalProgress(stream: WriteStream): Progress {
  const open = new Set<StepState>();
  let drawn = 0;
  let frame = 0;
  const erase = () => {
    if (drawn > 0) stream.write(`\u001B[${drawn}A\u001B[0J`);
    drawn = 0;
  };
  const draw = () => {
    const mark = frames[frame % frames.length] ?? '·';
    for (const state of open) stream.write(`${line(mark, state).slice(0, stream.columns - 1)}\n`);
    drawn = open.size;
  };
  const print = (text: string) => {
    erase();
    stream.write(`${text}\n`);
    draw();
  };
  const timer = setInterval(() => {
    if (open.size === 0) return;
    frame += 1;
    erase();
    draw();
  }, redrawEveryMs);
  timer.unref();
  return {
    step(name) {
      const state: StepState = { name, startedMs: performance.now(), detail: '' };
      open.add(state);
      const finish = (mark: string, detail?: string) => {
        if (!open.delete(state)) return;
        if (detail !== undefined) state.detail = detail;
        print(line(mark, state));
      };
      return {
        update: (detail) => {
          state.detail = detail;
        },
        done: (detail) => finish('\u001B[32m✓\u001B[0m', detail),
        fail: () => finish('\u001B[31m✗\u001B[0m'),
      };
    },
    note: print,
    close: () => {
      clearInterval(timer);
      erase();
      open.clear();
    },
  };
}
