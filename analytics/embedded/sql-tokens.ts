/** Splits SQL the way ClickHouse's own lexer does, far enough to see statements, names and calls. */

export interface SqlToken {
  readonly kind: 'word' | 'quoted' | 'string' | 'mark';
  /** Words and marks as written; quoted names without their quotes; strings empty, nobody looks inside. */
  readonly text: string;
  readonly end: number;
}

/** The query is not to be run; `code` is ClickHouse's number for the kind of refusal. */
export class RefusedQuery extends Error {
  readonly code: number;
  readonly type: string;

  constructor(code: number, type: string, message: string) {
    super(message);
    this.name = 'RefusedQuery';
    this.code = code;
    this.type = type;
  }
}

/** Lazy, so that a reader may stop where inline data begins. */
export function* tokensOf(sql: string): Generator<SqlToken> {
  let at = 0;
  while (at < sql.length) {
    const blank = /^(?:\s+|--[^\n]*|#[ !][^\n]*)/.exec(sql.slice(at, at + 4096));
    if (blank !== null) {
      at += blank[0].length;
      // A comment longer than the window goes on to the end of its line.
      if (!/\s$/.test(blank[0]) && /^(?:--|#)/.test(blank[0])) at = endOfLine(sql, at);
      continue;
    }
    if (sql.startsWith('/*', at)) {
      at = endOfComment(sql, at);
      continue;
    }
    const token = tokenAt(sql, at);
    yield token;
    at = token.end;
  }
}

function tokenAt(sql: string, at: number): SqlToken {
  const first = sql.charAt(at);
  if (first === "'") return { kind: 'string', text: '', end: endOfQuote(sql, at, "'") };
  if (first === '`' || first === '"') {
    const end = endOfQuote(sql, at, first);
    return { kind: 'quoted', text: sql.slice(at + 1, end - 1), end };
  }
  const hereDocument = /^\$\w*\$/.exec(sql.slice(at, at + 130));
  if (hereDocument !== null) return { kind: 'string', text: '', end: endOfHere(sql, at, hereDocument[0]) };
  const word = /^[A-Za-z0-9_]+/.exec(sql.slice(at));
  if (word !== null) return { kind: 'word', text: word[0], end: at + word[0].length };
  // The engine takes some Unicode quotes and dashes for their ASCII cousins; outside of literals none is needed.
  if (first < ' ' || first > '~')
    throw syntax('characters outside ASCII are accepted in literals and comments only');
  return { kind: 'mark', text: first, end: at + 1 };
}

function endOfQuote(sql: string, start: number, quote: string): number {
  for (let at = start + 1; at < sql.length; at += 1) {
    const character = sql.charAt(at);
    if (character === '\\') at += 1;
    else if (character === quote) {
      if (sql.charAt(at + 1) !== quote) return at + 1;
      at += 1;
    }
  }
  throw syntax('a quote is not closed');
}

function endOfHere(sql: string, start: number, tag: string): number {
  const closing = sql.indexOf(tag, start + tag.length);
  if (closing < 0) throw syntax('a heredoc is not closed');
  return closing + tag.length;
}

/** Comments nest. */
function endOfComment(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length - 1; at += 1) {
    const pair = sql.slice(at, at + 2);
    if (pair === '/*') {
      depth += 1;
      at += 1;
    } else if (pair === '*/') {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1;
    }
  }
  throw syntax('a comment is not closed');
}

function endOfLine(sql: string, at: number): number {
  const newline = sql.indexOf('\n', at);
  return newline < 0 ? sql.length : newline;
}

function syntax(detail: string): RefusedQuery {
  return new RefusedQuery(62, 'SYNTAX_ERROR', `Syntax error: ${detail}.`);
}
