/** The shared Temporal client of a process: connected on first use, and an absent server is an ordinary failure. */
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  makeGrpcRetryInterceptor,
  type ClientPlugin,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import type { Logger } from 'pino';
import { fail, FailureError } from '#domain/failures.ts';
import type { Config } from './config.ts';
import { createDataConverter } from './payload-codec.ts';

export type TemporalGateway = (() => Promise<Client>) & {
  /** True when the server answers a health check within the time. */
  readonly isReachable: (timeoutMs?: number) => Promise<boolean>;
  readonly close: () => Promise<void>;
};

const connectTimeoutMs = 2_000;
/** After a failed attempt callers are refused at once for this long, so that an outage does not queue them up. */
const refusalMs = 1_000;
const callTimeoutMs = 5_000;
/** An update waits for the workflow's answer, which may take an outside party's time. */
const updateTimeoutMs = 25_000;

/**
 * Makes the gateway without connecting. Calling it throws `dependency-unavailable` while the server is away, and so
 * do start, signal, query and update calls of the client it gives. Compression is off: the server is near.
 */
export function createTemporalGateway(
  config: Pick<Config, 'temporal' | 'keys'>,
  log: Logger,
  plugins: ClientPlugin[] = [],
): TemporalGateway {
  let connecting: Promise<Client> | undefined;
  let refuseUntil = 0;

  const open = async (): Promise<Client> => {
    const connection = await Connection.connect({
      address: config.temporal.address,
      connectTimeout: connectTimeoutMs,
      channelArgs: {
        'grpc.default_compression_algorithm': 0,
        'grpc.initial_reconnect_backoff_ms': 200,
        'grpc.max_reconnect_backoff_ms': 2_000,
      },
      interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: 3 }))],
    });
    return new Client({
      connection,
      namespace: config.temporal.namespace,
      dataConverter: createDataConverter(config.keys.payloadCodec.reveal()),
      interceptors: { workflow: [answerOutages(connection)] },
      plugins,
    });
  };

  const gateway = async (): Promise<Client> => {
    if (connecting === undefined) {
      if (Date.now() < refuseUntil) throw temporalAway();
      connecting = open();
      connecting.catch((error: unknown) => {
        log.warn({ error, address: config.temporal.address }, 'Temporal cannot be reached');
        connecting = undefined;
        refuseUntil = Date.now() + refusalMs;
      });
    }
    return connecting.catch(() => {
      throw temporalAway();
    });
  };

  return Object.assign(gateway, {
    isReachable: async (timeoutMs = 1_000): Promise<boolean> => {
      try {
        const { connection } = await within(gateway(), timeoutMs);
        await connection.withDeadline(Date.now() + timeoutMs, () =>
          connection.workflowService.getSystemInfo({}),
        );
        return true;
      } catch {
        return false;
      }
    },
    close: async (): Promise<void> => {
      const client = await connecting?.catch(() => undefined);
      connecting = undefined;
      await client?.connection.close();
    },
  });
}

const temporalAway = (): FailureError =>
  new FailureError(
    fail(
      'dependency-unavailable',
      'Temporal does not answer right now; a repeat with the same key is safe.',
      {
        retryAfterS: 2,
      },
    ).failure,
  );

/** gRPC codes that say "not now": DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const outageCodes = new Set([4, 8, 14]);

/** A server that has just started does not know its namespaces for some seconds; what is not there otherwise has other words. */
const isStartingUp = (error: Error & { readonly code: number }): boolean =>
  error.code === 5 && /\bnamespace \S+ is not found/i.test(error.message);

/** True when an error of the client means that the server, not the request, is the trouble. */
export function isTemporalUnavailable(error: unknown): boolean {
  if (error instanceof FailureError) return error.failure.code === 'dependency-unavailable';
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isGrpcServiceError(at) && (outageCodes.has(at.code) || isStartingUp(at))) return true;
    if (/^(WorkflowUpdateRPCTimeoutOrCancelledError|GrpcTimeout)/.test(at.name)) return true;
  }
  return false;
}

function answerOutages(connection: Connection): WorkflowClientInterceptor {
  const guarded = async <T>(timeoutMs: number, call: () => Promise<T>): Promise<T> => {
    try {
      return await connection.withDeadline(Date.now() + timeoutMs, call);
    } catch (error) {
      if (isTemporalUnavailable(error)) throw temporalAway();
      throw error;
    }
  };
  return {
    startWithDetails: (input, next) => guarded(callTimeoutMs, () => next(input)),
    startUpdate: (input, next) => guarded(updateTimeoutMs, () => next(input)),
    startUpdateWithStart: (input, next) => guarded(updateTimeoutMs, () => next(input)),
    signal: (input, next) => guarded(callTimeoutMs, () => next(input)),
    signalWithStart: (input, next) => guarded(callTimeoutMs, () => next(input)),
    query: (input, next) => guarded(callTimeoutMs, () => next(input)),
    describe: (input, next) => guarded(callTimeoutMs, () => next(input)),
    cancel: (input, next) => guarded(callTimeoutMs, () => next(input)),
    terminate: (input, next) => guarded(callTimeoutMs, () => next(input)),
  };
}

function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms.`)), timeoutMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
