/** The vault's HTTP: a page and its one route for browsers, signed routes for our own processes, health for operators. */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Logger } from 'pino';
import { z } from 'zod';
import { checkCaller } from './caller-signature.ts';
import { capturePage } from './capture-page.ts';
import type { Cards } from './cards.ts';
import type { Attempts } from './attempts-per-address.ts';
import { forwardRequest, type ForwardAnswer, type ForwardRequest } from './forward.ts';
import { Refusal, refusals, type RefusalCode } from './refusal.ts';

export type VaultParts = {
  readonly cards: Cards;
  readonly forward: (request: ForwardRequest) => Promise<ForwardAnswer>;
  readonly callerSecrets: readonly string[];
  readonly shopOrigins: readonly string[];
  /** Of the page itself: only it may send cards. */
  readonly publicOrigin: string;
  readonly attempts: Attempts;
  /** The browser's address, as far as it is known. */
  readonly addressOf: (c: Context) => string;
  /** Rejects with what is away. */
  readonly probes: Readonly<Record<string, () => Promise<unknown>>>;
  readonly log: Logger;
};

const typedCard = z.strictObject({
  number: z.string().max(40),
  expiryMonth: z.int(),
  expiryYear: z.int(),
  cvc: z.string().max(8).optional(),
});

const bodyBytesMax = 32 * 1024;
const retryAfterS = 2;

export function createVaultApp(parts: VaultParts): Hono {
  const { cards, forward, log } = parts;
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: (c) => problem(c, 'body-too-large', 'The body is too long.'),
    }),
  );

  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  app.get('/readyz', async (c) => {
    const states = await Promise.all(
      Object.entries(parts.probes).map(async ([name, probe]): Promise<[string, string]> => [
        name,
        await probe().then(
          () => 'up',
          () => 'down',
        ),
      ]),
    );
    const isReady = states.every(([, state]) => state === 'up');
    return c.json(
      { status: isReady ? 'ready' : 'not-ready', ...Object.fromEntries(states) },
      isReady ? 200 : 503,
    );
  });

  app.get('/capture', (c) => {
    const shop = parts.shopOrigins.find((origin) => origin === c.req.query('shop'));
    if (shop === undefined)
      throw new Refusal('origin-refused', 'The page is for the shops of the configuration.');
    const { html, headers } = capturePage(shop);
    return c.html(html, 200, headers);
  });

  app.post('/cards', async (c) => {
    // Browsers set it and pages cannot; a page of somebody else must not send cards on a player's behalf.
    if (c.req.header('origin') !== parts.publicOrigin)
      throw new Refusal('origin-refused', 'Cards come from the page of the vault alone.');
    parts.attempts.count(parts.addressOf(c));
    const { token } = await cards.tokenise(parsed(typedCard, await c.req.text()));
    c.header('cache-control', 'no-store');
    return c.json({ token }, 201);
  });

  const signed = async (c: Context): Promise<string> => {
    const body = await c.req.text();
    checkCaller(
      {
        method: c.req.method,
        path: c.req.path,
        body,
        timestamp: c.req.header('x-vault-timestamp'),
        signature: c.req.header('x-vault-signature'),
      },
      parts.callerSecrets,
      Date.now(),
    );
    return body;
  };

  app.post('/forward', async (c) => c.json(await forward(parsed(forwardRequest, await signed(c)))));
  app.get('/cards/:token', async (c) => {
    await signed(c);
    return c.json(await cards.describe(c.req.param('token')));
  });
  app.delete('/cards/:token/cvc', async (c) => {
    await signed(c);
    cards.forgetCvc(c.req.param('token'));
    return c.body(null, 204);
  });
  app.delete('/cards/:token', async (c) => {
    await signed(c);
    await cards.erase(c.req.param('token'));
    return c.body(null, 204);
  });

  app.notFound((c) => c.json({ code: 'not-found', detail: 'There is no such route.' }, 404));
  app.onError((error, c) => {
    if (error instanceof Refusal) {
      if (refusals[error.code] >= 500) log.error({ code: error.code, route: routeOf(c) }, error.message);
      return problem(c, error.code, error.message);
    }
    // Only its name: a message or a stack of a library may quote what it was given.
    log.error({ name: error.name, route: routeOf(c) }, 'a request failed');
    return c.json({ code: 'internal', detail: 'The vault failed at this request.' }, 500);
  });
  return app;
}

/** Without the token: which card was used when is nobody's business who reads logs. */
const routeOf = (c: Context): string =>
  `${c.req.method} ${c.req.path.replace(/^\/cards\/[^/]+/, '/cards/:token')}`.slice(0, 60);

function problem(c: Context, code: RefusalCode, detail: string): Response {
  const status: number = refusals[code];
  if (status === 503 || status === 429) c.header('retry-after', String(retryAfterS));
  return c.json({ code, detail }, status as ContentfulStatusCode);
}

/** Says where, never what: the input may be a card number in the wrong field. */
function parsed<T>(schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal('invalid-request', 'The body is no JSON.');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Refusal('invalid-request', `The body is not as expected: ${result.error.issues.length} fields.`);
}
