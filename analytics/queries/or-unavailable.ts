/** Answers an absent ClickHouse as a failure of its own, so that only what needs it is away. */
import { fail, FailureError } from '#domain/failures.ts';

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

/** True when ClickHouse is away or too slow, as against a query that it refuses. */
export function isClickHouseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && networkCodes.has(error.code)) return true;
  return /Timeout error|socket hang up|stream.*closed/i.test(error.message) || isNotMigrated(error);
}

/** UNKNOWN_TABLE, UNKNOWN_DATABASE: the relay has not reached ClickHouse since it was set up. */
const isNotMigrated = (error: Error): boolean =>
  'code' in error && (error.code === '60' || error.code === '81');

/** Runs a read; throws `dependency-unavailable` when ClickHouse is away. */
export async function orUnavailable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isClickHouseUnavailable(error)) throw error;
    throw new FailureError(
      fail('dependency-unavailable', 'ClickHouse does not answer right now; reports come back with it.', {
        retryAfterS: 5,
      }).failure,
    );
  }
}
