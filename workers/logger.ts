/** One JSON line per event on stdout, with secrets and personal data taken out before they reach the stream. */
import { pino, type ChildLoggerOptions, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config.ts';
import { redact, redactText } from './redaction.ts';

/**
 * Opens the logger of a process. Children carry `requestId`, `playerId`, `workflowId` as fields:
 * `log.child({ workflowId })`. `stream` is stdout unless a test wants to read the lines.
 */
export function createLogger(
  config: Pick<Config, 'logLevel'>,
  processName: string,
  stream?: DestinationStream,
): Logger {
  const options = {
    level: config.logLevel,
    base: { process: processName, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      bindings: redactFields,
      log: redactFields,
    },
    hooks: {
      logMethod(this: Logger, given: unknown[], method: (...values: unknown[]) => void) {
        method.apply(
          this,
          given.map((value, index) => (typeof value === 'string' || index > 0 ? redact(value) : value)),
        );
      },
    },
  };
  return withSafeChildren(stream ? pino(options as object, stream) : pino(options as object));
}

/** pino runs the `bindings` formatter for the root alone; children would print theirs as they are. */
function withSafeChildren(log: Logger): Logger {
  // Children inherit from the logger that made them, and with it this door.
  const makeChild: unknown = Reflect.get(log, 'child');
  if (typeof makeChild !== 'function') throw new Error('Invariant broken: a logger makes children');
  const safeChild = function (
    this: Logger,
    bindings: Record<string, unknown>,
    options?: ChildLoggerOptions,
  ): Logger {
    return makeChild.call(this, redactFields(bindings), options);
  };
  return Object.assign(log, { child: safeChild });
}

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  const safe = redact(fields);
  return isRecord(safe) ? safe : { message: redactText(String(safe)) };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
