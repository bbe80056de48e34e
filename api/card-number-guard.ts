/** Refuses requests of players and staff that carry a card number in any field: it would be kept where it must not be. */
import type { MiddlewareHandler } from 'hono';
import { fail, FailureError } from '#domain/failures.ts';
import { holdsCardNumber } from '#domain/payments/card-number.ts';
import type { ApiEnv } from './context.ts';

/** Deeper than any schema allows: what is below is refused by those. */
const depthMax = 100;

/** Keys, too: what is not in the schema is told by its name when it is refused. */
export const refuseCardNumbers: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const isSeen =
    Object.values(c.req.queries()).flat().some(holdsCardNumber) ||
    holdsCardNumber(c.req.header('idempotency-key') ?? '') ||
    ((c.req.header('content-type') ?? '').includes('json') && holds(parseJson(await c.req.text()), 0));
  if (isSeen) {
    throw new FailureError(
      fail(
        'invalid-request',
        'The request holds a card number. Card numbers go to a PSP or to the card vault alone.',
      ).failure,
    );
  }
  return next();
};

function holds(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return holdsCardNumber(value);
  if (typeof value === 'number') return holdsCardNumber(String(value));
  if (typeof value !== 'object' || value === null || depth > depthMax) return false;
  return Object.entries(value).some(([name, item]) => holdsCardNumber(name) || holds(item, depth + 1));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
