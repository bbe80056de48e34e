/** Installs the Temporal SDK's runtime once per process: its logs become ours, its metrics get a port. */
import {
  makeTelemetryFilterString,
  Runtime,
  type Logger as SdkLogger,
  type LogLevel,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from './config.ts';

export function installTemporalRuntime(
  config: Pick<Config, 'sdkMetricsPort' | 'metricsHost'>,
  log: Logger,
): void {
  Runtime.install({
    logger: asSdkLogger(log),
    // The process closes down in an order of its own.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(config.sdkMetricsPort === undefined
        ? {}
        : { metrics: { prometheus: { bindAddress: `${config.metricsHost}:${config.sdkMetricsPort}` } } }),
    },
  });
}

function asSdkLogger(log: Logger): SdkLogger {
  const at = (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: object) =>
    log[level]({ ...fields }, message);
  const methods = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  return {
    ...methods,
    log: (level: LogLevel, message: string, fields?: object) => methods[levels[level]](message, fields),
  };
}
