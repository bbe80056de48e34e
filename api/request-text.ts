/** What an address or a body may be made of, whichever route it is for: only what PostgreSQL and UTF-8 can keep. */
import type { MiddlewareHandler } from 'hono';
import { fail, FailureError, type Failure } from '#domain/failures.ts';
import type { ApiEnv } from './context.ts';

const noNul = fail('invalid-request', 'An address may not hold NUL.').failure;

/** PostgreSQL keeps no NUL in text, so an address that holds one names nothing. */
export const refusalOfAddress = (url: string): Failure | null => (url.includes('%00') ? noNul : null);

export const refuseNul: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const refusal = refusalOfAddress(c.req.url);
  if (refusal) throw new FailureError(refusal);
  return next();
};

/** Bodies are JSON and well formed before any schema sees them; an empty body counts as none. */
export const requireJson: MiddlewareHandler<ApiEnv> = async (c, next) => {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
  const text = await c.req.text();
  if (text === '') return next();
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new FailureError(fail('unsupported-media-type', 'Send application/json.').failure);
  }
  const broken = brokenTexts(text);
  if (broken === null) {
    throw new FailureError(fail('malformed-json', 'The body is not well-formed JSON.').failure);
  }
  if (broken.length > 0) {
    const fields = broken.map((pointer) => ({ pointer, detail: 'holds NUL or half a character' }));
    throw new FailureError(fail('invalid-request', 'A text of the body cannot be kept.', { fields }).failure);
  }
  return next();
};

/** Pointers to texts that the database cannot keep as they are; null when the text is no JSON. */
function brokenTexts(text: string): readonly string[] | null {
  try {
    return findBroken(JSON.parse(text), '');
  } catch {
    return null;
  }
}

function findBroken(value: unknown, pointer: string): readonly string[] {
  if (typeof value === 'string') return isKeepable(value) ? [] : [pointer || '/'];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    isKeepable(key) ? findBroken(inner, `${pointer}/${key}`) : [pointer || '/'],
  );
}

const isKeepable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed();
