/** Owns the chDB data directory: one writer at a time, a few readers, each request in a session of its own. */
import { mkdirSync } from 'node:fs';
import type * as chdb from 'chdb';
import type { Session } from 'chdb';
import { RefusedQuery } from './sql-tokens.ts';
import { plainDatabase } from './request-settings.ts';

export interface EngineRequest {
  readonly kind: 'read' | 'write';
  readonly database: string;
  readonly preparation: readonly string[];
  readonly sql: string;
  readonly format: string;
}

export interface EngineInsert {
  readonly database: string;
  readonly preparation: readonly string[];
  readonly table: string;
  readonly columns: readonly string[];
  readonly format: string;
  readonly data: Buffer;
}

export interface EngineAnswer {
  readonly bytes: Uint8Array;
  readonly readRows: number;
  readonly readBytes: number;
  readonly writtenRows: number;
  readonly writtenBytes: number;
  readonly elapsedNs: number;
}

export interface Engine {
  readonly version: string;
  readonly tableFunctions: readonly string[];
  run(request: EngineRequest): Promise<EngineAnswer>;
  insert(request: EngineInsert): Promise<EngineAnswer>;
  /** Waits for what is running, then releases the directory. */
  close(): Promise<void>;
}

type ChDb = Pick<typeof chdb, 'Session' | 'drainPending'>;

const readersMax = 2;
const waitingMax = 256;
const insertFormats = new Set([
  'JSONEachRow',
  'JSONCompactEachRow',
  'CSV',
  'CSVWithNames',
  'TSV',
  'TabSeparated',
  'TSVWithNames',
  'TabSeparatedWithNames',
]);

export async function openEngine(dir: string): Promise<Engine> {
  // Loaded here and not at the top: it is an optional dependency, and its absence is one clear sentence.
  const library = await import('chdb');
  mkdirSync(dir, { recursive: true });
  // Stays open for the life of the process, so that the directory is locked and opened once.
  const keeper = new library.Session(dir);
  await keeper.queryAsync(`CREATE DATABASE IF NOT EXISTS ${plainDatabase}`);
  const version = (await keeper.queryAsync('SELECT version()', { format: 'TSVRaw' })).text().trim();
  const tableFunctions = (
    await keeper.queryAsync('SELECT name FROM system.table_functions', { format: 'TSVRaw' })
  )
    .text()
    .trim()
    .split('\n');
  const writers = limitedTo(1);
  const readers = limitedTo(readersMax);
  const inSession = (
    request: { database: string; preparation: readonly string[] },
    use: (session: Session) => Promise<EngineAnswer>,
  ) => withSession(library, dir, request, use);
  return {
    version,
    tableFunctions,
    run: (request) =>
      (request.kind === 'read' ? readers : writers)(() =>
        inSession(request, async (session) => {
          const result = await session.queryAsync(request.sql, { format: request.format });
          return answer({
            bytes: result.bytes(),
            readRows: result.rowsRead,
            readBytes: result.bytesRead,
            elapsedS: result.elapsed,
          });
        }),
      ),
    insert: (request) => writers(() => inSession(request, (session) => insertRaw(session, request))),
    close: async () => {
      await writers(() => Promise.resolve());
      keeper.close();
      await library.drainPending();
    },
  };
}

/** Settings and parameters set in a session die with it: no request can see what another one set. */
async function withSession<T>(
  library: ChDb,
  dir: string,
  request: { database: string; preparation: readonly string[] },
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = new library.Session(dir);
  try {
    const opening = [`USE \`${request.database.replaceAll(/[\\`]/g, '\\$&')}\``, ...request.preparation];
    await session.queryAsync(opening.join(';\n'));
    return await use(session);
  } finally {
    session.close();
  }
}

async function insertRaw(session: Session, request: EngineInsert): Promise<EngineAnswer> {
  if (!insertFormats.has(request.format))
    throw new RefusedQuery(
      73,
      'UNKNOWN_FORMAT',
      `Inline data in ${request.format} is not offered by the embedded engine; use JSONEachRow.`,
    );
  const summary = await session.insert({
    table: request.table,
    values: request.data,
    format: request.format as 'JSONEachRow',
    ...(request.columns.length > 0 ? { columns: request.columns } : {}),
  });
  return answer({
    writtenRows: summary.rowsWritten,
    writtenBytes: request.data.length,
    elapsedS: summary.elapsed,
  });
}

function answer(given: {
  bytes?: Uint8Array;
  readRows?: number;
  readBytes?: number;
  writtenRows?: number;
  writtenBytes?: number;
  elapsedS: number;
}): EngineAnswer {
  return {
    bytes: given.bytes ?? new Uint8Array(),
    readRows: given.readRows ?? 0,
    readBytes: given.readBytes ?? 0,
    writtenRows: given.writtenRows ?? 0,
    writtenBytes: given.writtenBytes ?? 0,
    elapsedNs: Math.round(given.elapsedS * 1e9),
  };
}

function limitedTo(runningMax: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= runningMax) {
      if (waiting.length >= waitingMax)
        throw new RefusedQuery(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries.');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      // The place is handed to the next in line, or given back.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
