/**
 * Statements that stand in line on one connection: the server finds the next one when it has answered the last, and so
 * does not wait until a busy process has read that answer. A line that has stopped (a row that somebody holds, a disk that
 * hangs) is left alone until it moves again, and what comes then takes another connection.
 */
import type pg from 'pg';
import { isPlanOutdated } from './prepared-statements.ts';

export type Pipelines = {
  /** Runs a statement behind those that are under way. Rejects as a query of the pool does; each fails for itself. */
  query(statement: pg.QueryConfig): Promise<pg.QueryResult>;
  /** Statements under way on lines that have stopped. */
  stalled(): number;
};

export type PipelineOptions = {
  /** Connections that lines may take from the pool at once. */
  readonly linesMax?: number;
  /** A line that has answered nothing for so long has stopped. */
  readonly stalledAfterMs?: number;
};

type Line = {
  readonly client: Promise<pg.PoolClient>;
  underWay: number;
  /** When it last began or answered something, `performance.now()`. */
  movedAtMs: number;
  /** Whether its connection can be used no longer. */
  isBroken: boolean;
};

/**
 * Lines on connections of `pool`, which must have been opened with `pipeline`; one goes back to the pool when nothing
 * is under way on it.
 */
export function createPipelines(
  pool: pg.Pool,
  { linesMax = 3, stalledAfterMs = 150 }: PipelineOptions = {},
): Pipelines {
  const lines: Line[] = [];

  const hasStopped = (line: Line): boolean => performance.now() - line.movedAtMs > stalledAfterMs;

  function openLine(): Line {
    const line = { client: pool.connect(), underWay: 0, movedAtMs: performance.now(), isBroken: false };
    lines.push(line);
    return line;
  }

  function lineToStandIn(): Line {
    const moving = lines.find((line) => !hasStopped(line));
    if (moving) return moving;
    if (lines.length < linesMax) return openLine();
    return lines.reduce((least, line) => (line.underWay < least.underWay ? line : least));
  }

  function leave(line: Line): void {
    line.underWay -= 1;
    line.movedAtMs = performance.now();
    if (line.underWay > 0) return;
    forget(line);
    void line.client.then(
      (client) => client.release(line.isBroken),
      () => {},
    );
  }

  function forget(line: Line): void {
    const at = lines.indexOf(line);
    if (at >= 0) lines.splice(at, 1);
  }

  return {
    async query(statement) {
      const line = lineToStandIn();
      line.underWay += 1;
      try {
        return await (await line.client).query(statement);
      } catch (error) {
        if (isOfConnection(error)) {
          line.isBroken = true;
          forget(line);
        }
        throw error;
      } finally {
        leave(line);
      }
    },
    stalled: () => lines.reduce((sum, line) => sum + (hasStopped(line) ? line.underWay : 0), 0),
  };
}

/** What the server says of one statement leaves its connection as it was, but for plans that a migration has outdated. */
function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error) || isPlanOutdated(error)) return true;
  const { code } = error as { code?: unknown };
  return typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code) || /^(08|57P)/.test(code);
}
