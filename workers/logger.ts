/** One JSON line per event on stdout, with secrets and personal data taken out before they reach the stream. */
import { pino, type DestinationStream, type Logger } from 'pino';
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
  return stream ? pino(options as object, stream) : pino(options as object);
}

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  const safe = redact(fields);
  return isRecord(safe) ? safe : { message: redactText(String(safe)) };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
