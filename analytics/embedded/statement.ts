/**
 * What a request may ask of the embedded engine. It has no users and no privileges: its file, network and
 * process functions would act with the rights of this process, so they are refused before it sees them.
 */
import { RefusedQuery, tokensOf, type SqlToken } from './sql-tokens.ts';

export interface Statement {
  readonly kind: 'read' | 'write' | 'insert-data';
  /** The statement without trailing semicolon. */
  readonly sql: string;
  /** FORMAT as written in the query, for reads. */
  readonly format: string | undefined;
  readonly insert: InsertTarget | undefined;
  /** Names of the parameters bound as {name: Identifier}. */
  readonly identifiers: readonly string[];
}

export interface InsertTarget {
  readonly table: string;
  readonly columns: readonly string[];
  readonly format: string;
  /** Where inline data begins in the query text. */
  readonly dataFrom: number;
}

const readVerbs = new Set(['SELECT', 'WITH', 'SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'EXPLAIN', 'CHECK', '(']);
const writeVerbs = new Set([
  'INSERT',
  'CREATE',
  'ALTER',
  'DROP',
  'TRUNCATE',
  'OPTIMIZE',
  'RENAME',
  'EXCHANGE',
  'DELETE',
  'UPDATE',
  'SYSTEM',
]);
const systemCommands = /^SYSTEM (REFRESH|WAIT|START|STOP|CANCEL) (VIEW|MERGES)$/;
const forbiddenPairs = new Set([
  'INTO OUTFILE',
  'FROM INFILE',
  'PARALLEL WITH',
  'EXECUTE AS',
  'NAMED COLLECTION',
  'FETCH PARTITION',
  'FETCH PART',
  'FREEZE PARTITION',
]);
const tableBeforeString = new Set(['FROM', 'JOIN', 'TABLE', 'INTO', 'DESCRIBE', 'DESC', 'EXISTS']);
const harmlessTableFunctions =
  /^(?:numbers|numbers_mt|zeros|zeros_mt|primes|generateSeries|generate_series|generateRandom|values|SQLStandardValues|view|viewExplain|viewIfPermitted|merge|null|input|format|dictionary|mergeTree\w*|timeSeries\w*)$/i;
const alwaysForbidden = [
  'disk',
  'catboostevaluate',
  'http',
  'executable',
  'executablepool',
  'executable_pool',
  'file',
  'url',
];
const allowedEngine =
  /^(?:(?!Replicated|Shared)\w*MergeTree|Memory|Null|Log|TinyLog|StripeLog|Set|Join|Buffer|Merge|Dictionary|View|MaterializedView|Atomic)$/;
/** A table named like a file is a file to this engine. */
const plainQuotedName = /^[\w ()%+-]*$/;

/** Built once from the engine's own list, so that a table function of a later version is refused too. */
export function forbiddenCalls(tableFunctions: readonly string[]): ReadonlySet<string> {
  const fromEngine = tableFunctions.filter((name) => !harmlessTableFunctions.test(name));
  return new Set([...fromEngine, ...alwaysForbidden].map((name) => name.toLowerCase()));
}

export function readStatement(sql: string, forbidden: ReadonlySet<string>): Statement {
  if (sql.includes('\0')) throw new RefusedQuery(62, 'SYNTAX_ERROR', 'Syntax error: a NUL byte.');
  const tokens: SqlToken[] = [];
  let insert: InsertTarget | undefined;
  let end = sql.length;
  for (const token of tokensOf(sql)) {
    const closed = tokens.at(-1)?.text === ';' && tokens.at(-1)?.kind === 'mark';
    if (closed) throw new RefusedQuery(62, 'SYNTAX_ERROR', 'Syntax error: multi-statements are not allowed.');
    if (token.kind === 'mark' && token.text === ';') end = token.end - 1;
    checkToken(tokens, token, forbidden);
    tokens.push(token);
    insert = inlineInsert(tokens, sql);
    if (insert !== undefined) break;
  }
  return {
    ...classify(tokens, insert),
    sql: sql.slice(0, end),
    insert,
    identifiers: identifierParameters(tokens),
  };
}

/** A bound identifier may be a name and nothing else: with a dot or a slash it could name a file. */
export function checkIdentifiers(statement: Statement, parameters: ReadonlyMap<string, string>): void {
  for (const name of statement.identifiers) {
    const value = parameters.get(name);
    if (value !== undefined && (!/^\w+$/.test(value) || value.toLowerCase() === 'default'))
      throw denied(`the identifier bound as ${name} is not a plain name`);
  }
}

function identifierParameters(tokens: readonly SqlToken[]): string[] {
  const names: string[] = [];
  for (const [at, token] of tokens.entries()) {
    const isType = token.kind === 'word' && token.text.toLowerCase() === 'identifier';
    const name = tokens[at - 2];
    if (isType && tokens[at - 1]?.text === ':' && name !== undefined) names.push(name.text);
  }
  return names;
}

function classify(
  tokens: readonly SqlToken[],
  insert: InsertTarget | undefined,
): Pick<Statement, 'kind' | 'format'> {
  const verb = tokens[0]?.text.toUpperCase() ?? '';
  if (insert !== undefined) return { kind: 'insert-data', format: undefined };
  if (readVerbs.has(verb)) return { kind: 'read', format: outputFormat(tokens) };
  const opening = tokens
    .slice(0, 3)
    .map(({ text }) => text.toUpperCase())
    .join(' ');
  if (verb === 'SYSTEM' && !systemCommands.test(opening)) throw denied(`${opening} is not offered`);
  if (writeVerbs.has(verb)) return { kind: 'write', format: undefined };
  if (verb === '') throw new RefusedQuery(62, 'SYNTAX_ERROR', 'Syntax error: empty query.');
  throw denied(`${verb} is not offered`);
}

function checkToken(before: readonly SqlToken[], token: SqlToken, forbidden: ReadonlySet<string>): void {
  const previous = before.at(-1);
  const previousWord = previous?.kind === 'word' ? previous.text.toUpperCase() : '';
  if (token.kind === 'quoted' && !plainQuotedName.test(token.text))
    throw denied('quoted names may hold letters, digits, spaces and ( ) % + - only');
  if (token.kind === 'string' && tableBeforeString.has(previousWord))
    throw denied('a string does not name a table here');
  if (token.kind === 'mark' && token.text === '(' && previous !== undefined && previous.kind !== 'string') {
    if (forbidden.has(previous.text.toLowerCase()))
      throw denied(`${previous.text}() reaches outside the database and is not offered`);
  }
  // The library looks up names in its own default database as files of the working directory.
  if (token.kind === 'mark' && token.text === '.' && previous?.text.toLowerCase() === 'default')
    throw denied('the default database of the embedded engine is not offered');
  if (token.kind === 'word' && forbiddenPairs.has(`${previousWord} ${token.text.toUpperCase()}`))
    throw denied(`${previousWord} ${token.text.toUpperCase()} is not offered`);
  if (token.kind === 'word' || token.kind === 'quoted') checkEngine(before, token);
}

function checkEngine(before: readonly SqlToken[], token: SqlToken): void {
  const last = before.at(-1);
  const named = last?.text === '=' ? before.at(-2) : last;
  if (named?.kind !== 'word' || named.text.toUpperCase() !== 'ENGINE') return;
  if (!allowedEngine.test(token.text) && token.text !== '')
    throw denied(`the engine ${token.text} is not offered`);
}

/** INSERT INTO [TABLE] name [(columns)] [SETTINGS …] FORMAT name — everything after it is data, not SQL. */
function inlineInsert(tokens: readonly SqlToken[], sql: string): InsertTarget | undefined {
  const last = tokens.at(-1);
  const keyword = tokens.at(-2);
  if (last?.kind !== 'word' || keyword?.kind !== 'word') return undefined;
  if (keyword.text.toUpperCase() !== 'FORMAT') return undefined;
  if (tokens[0]?.text.toUpperCase() !== 'INSERT') return undefined;
  const words = tokens.slice(1, -2);
  if (words.some(({ kind, text }) => kind === 'word' && /^(?:SELECT|WITH|VALUES)$/i.test(text)))
    return undefined;
  const target = words.slice(0, settingsAt(words));
  const open = target.findIndex(({ kind, text }) => kind === 'mark' && text === '(');
  const nameTokens = open < 0 ? target : target.slice(0, open);
  const columnTokens = open < 0 ? [] : target.slice(open + 1);
  const newline = /^[ \t]*(?:\r?\n)?/.exec(sql.slice(last.end))?.[0].length ?? 0;
  return {
    table: nameTokens
      .filter(({ kind, text }) => kind !== 'word' || !/^(?:INTO|TABLE)$/i.test(text))
      .map(({ text }) => text)
      .join(''),
    columns: columnTokens.filter(({ kind }) => kind !== 'mark').map(({ text }) => text),
    format: last.text,
    dataFrom: last.end + newline,
  };
}

/** Settings inside an INSERT are refused by the caller's path: they come in the URL. */
function settingsAt(words: readonly SqlToken[]): number {
  const at = words.findIndex(({ kind, text }) => kind === 'word' && /^SETTINGS$/i.test(text));
  if (at >= 0)
    throw new RefusedQuery(48, 'NOT_IMPLEMENTED', 'Settings of an INSERT with data go into the URL here.');
  return words.length;
}

function outputFormat(tokens: readonly SqlToken[]): string | undefined {
  for (let at = tokens.length - 2; at >= 0; at -= 1) {
    const token = tokens[at];
    if (token?.kind === 'word' && token.text.toUpperCase() === 'FORMAT' && tokens[at + 1]?.kind === 'word')
      return tokens[at + 1]?.text;
  }
  return undefined;
}

function denied(detail: string): RefusedQuery {
  return new RefusedQuery(497, 'ACCESS_DENIED', `Not enough privileges: ${detail}.`);
}
