/** What casinos ask of the studio in the a8r dialects: v2's Twirp methods and v1's GCP paths, over one set of deeds. */
import { z } from 'zod';
import { parseExactJson } from '../support/exact-json.ts';
import { createPartyRoutes, type PartyApp, type PartyContext } from '../support/party-server.ts';
import { a8rCatalogueYaml, a8rProviders, findGame } from './catalogue.ts';
import { parseDecimalText } from './decimal-text.ts';
import type { FreeRoundsBook } from './free-rounds-book.ts';
import { isRequestSigned, requestSignHeader } from './hmac-signature.ts';
import type { RoundBook } from './round-book.ts';

export interface A8rOperatorParts {
  book: RoundBook;
  freeRounds: FreeRoundsBook;
  /** Shared with the casino; it signs both directions. */
  token: string;
  casinoId: string;
  publicUrl: () => string;
}

type Refusal = { code: string; http: 400 | 403 | 404; says: string };
type Refuse = (c: PartyContext, refusal: Refusal) => Response;

const casino = { casino_id: z.string() };
const urls = z.looseObject({ deposit_url: z.string().optional(), return_url: z.string().optional() });
const launch = {
  ...casino,
  client_type: z.string(),
  game: z.string(),
  ip: z.string(),
  locale: z.string(),
  urls,
};
const v2Player = z.looseObject({ id: z.string().min(1), currency: z.string().min(3), country: z.string() });
const v2Real = z.looseObject({ ...launch, jurisdiction: z.string(), player: v2Player });
const v2Demo = z.looseObject({ ...launch, jurisdiction: z.string().optional() });
const v1User = z.looseObject({ id: z.string().min(1), country: z.string().optional() });
const v1Session = z.looseObject({ ...launch, currency: z.string().min(3), user: v1User });
const v1Demo = z.looseObject({ ...launch, currency: z.string().optional() });
const issue = {
  ...casino,
  issue_id: z.string().min(1).max(255),
  freespins_quantity: z.bigint().positive(),
  games: z.array(z.string()).min(1),
  valid_until: z.iso.datetime({ offset: true }),
};
const v2Issue = z.looseObject({ ...issue, bet_amount: z.string(), player: v2Player });
const v1Issue = z.looseObject({ ...issue, currency: z.string().min(3), user: v1User });
const cancel = z.looseObject({ ...casino, issue_id: z.string() });

const aMonthMs = 31 * 86_400_000;
const v2OneUnit = 10n ** 12n;
const v1OneUnit = 100n;

const invalid = (says: string): Refusal => ({ code: 'invalid_argument', http: 400, says });
const unknown = (says: string): Refusal => ({ code: 'not_found', http: 404, says });

/** Routes behind the signature over the raw bytes and the casino's name. */
function signedRoutes({ token, casinoId }: A8rOperatorParts, refuse: Refuse): PartyApp {
  const api = createPartyRoutes();
  api.post('*', async (c, next) => {
    const raw = Buffer.from(await c.req.arrayBuffer());
    if (!isRequestSigned(raw, c.req.header(requestSignHeader), token))
      return refuse(c, { code: 'permission_denied', http: 403, says: 'Forbidden' });
    let body: unknown;
    try {
      body = parseExactJson(raw.toString('utf8'));
    } catch {
      return refuse(c, { code: 'malformed', http: 400, says: 'The body is no JSON' });
    }
    const known = z.looseObject(casino).safeParse(body);
    if (!known.success || known.data.casino_id !== casinoId)
      return refuse(c, unknown('There is no such casino'));
    return next();
  });
  return api;
}

const bodyOf = async <T extends z.ZodType>(c: PartyContext, schema: T) =>
  schema.safeParse(parseExactJson(await c.req.text()));

export function serveA8rV2Operator(app: PartyApp, parts: A8rOperatorParts): void {
  const { book, freeRounds, publicUrl } = parts;
  const refuse: Refuse = (c, { code, http, says }) => c.json({ code, msg: says, meta: {} }, http);
  const api = signedRoutes(parts, refuse);

  api.post('/casino_a8r.Game/List', (c) => c.json({ providers: a8rProviders(publicUrl()) }));

  api.post('/casino_a8r.Launcher/Real', async (c) => {
    const body = await bodyOf(c, v2Real);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const { game, player, urls: back } = body.data;
    if (findGame(game) === undefined) return refuse(c, unknown('There is no such game'));
    const session = book.openSession({
      dialect: 'a8r-v2',
      token: null,
      user: player.id,
      currency: player.currency,
      gameCode: game,
      lobbyUrl: back.return_url ?? null,
      demoBalance: 0n,
    });
    return c.json({ launch_url: `${publicUrl()}/play?session=${session}` });
  });

  api.post('/casino_a8r.Launcher/Demo', async (c) => {
    const body = await bodyOf(c, v2Demo);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const { game, urls: back } = body.data;
    if (findGame(game) === undefined) return refuse(c, unknown('There is no such game'));
    const session = openDemo(book, 'a8r-v2', game, back.return_url, v2OneUnit);
    return c.json({ launch_url: `${publicUrl()}/play?session=${session}` });
  });

  api.post('/casino_a8r.Freespins/Issue', async (c) => {
    const body = await bodyOf(c, v2Issue);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const { player, bet_amount: amount, ...terms } = body.data;
    const betValue = parseDecimalText(amount, 12);
    const problem = betValue === undefined ? 'bet_amount is no amount' : termsProblem(terms);
    if (betValue === undefined || problem !== null) return refuse(c, invalid(problem ?? ''));
    freeRounds.issue({
      ...issueOf(terms),
      dialect: 'a8r-v2',
      user: player.id,
      currency: player.currency,
      betValue,
    });
    return c.json({});
  });

  api.post('/casino_a8r.Freespins/Cancel', async (c) => {
    const body = await bodyOf(c, cancel);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const problem = cancelProblem(freeRounds, 'a8r-v2', body.data.issue_id);
    return problem === null ? c.json({}) : refuse(c, problem);
  });

  app.route('/a8r/v2', api);
}

export function serveA8rV1Operator(app: PartyApp, parts: A8rOperatorParts): void {
  const { book, freeRounds, publicUrl } = parts;
  const refuse: Refuse = (c, { http, says }) =>
    c.json({ code: http, message: says }, http === 403 ? 403 : 412);
  const api = signedRoutes(parts, refuse);
  const launched = (session: string) => ({
    launch_options: { game_url: `${publicUrl()}/play?session=${session}`, strategy: 'iframe' },
  });

  // The catalogue is a file that everybody may read.
  api.get('/games.yml', (c) => c.body(a8rCatalogueYaml(), 200, { 'content-type': 'application/yaml' }));

  api.post('/sessions', async (c) => {
    const body = await bodyOf(c, v1Session);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const { game, currency, user, urls: back } = body.data;
    if (findGame(game) === undefined) return refuse(c, unknown('There is no such game'));
    const session = book.openSession({
      dialect: 'a8r-v1',
      token: null,
      user: user.id,
      currency,
      gameCode: game,
      lobbyUrl: back.return_url ?? null,
      demoBalance: 0n,
    });
    return c.json(launched(session));
  });

  api.post('/demo', async (c) => {
    const body = await bodyOf(c, v1Demo);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const { game, urls: back } = body.data;
    if (findGame(game) === undefined) return refuse(c, unknown('There is no such game'));
    return c.json(launched(openDemo(book, 'a8r-v1', game, back.return_url, v1OneUnit)));
  });

  api.post('/freespins/issue', async (c) => {
    const body = await bodyOf(c, v1Issue);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const { user, currency, ...terms } = body.data;
    const problem = termsProblem(terms);
    if (problem !== null) return refuse(c, invalid(problem));
    // v1 names no stake: the game's smallest is played, ten cents here.
    freeRounds.issue({
      ...issueOf(terms),
      dialect: 'a8r-v1',
      user: user.id,
      currency,
      betValue: v1OneUnit / 10n,
    });
    return c.json({});
  });

  api.post('/freespins/cancel', async (c) => {
    const body = await bodyOf(c, cancel);
    if (!body.success) return refuse(c, invalid(z.prettifyError(body.error)));
    const problem = cancelProblem(freeRounds, 'a8r-v1', body.data.issue_id);
    return problem === null ? c.json({}) : refuse(c, problem);
  });

  app.route('/gcp', api);
}

interface Terms {
  issue_id: string;
  freespins_quantity: bigint;
  games: string[];
  valid_until: string;
}

function termsProblem({ games, valid_until: until }: Terms): string | null {
  if (games.some((game) => findGame(game) === undefined)) return 'games names one that is not ours';
  const leftMs = Date.parse(until) - Date.now();
  return leftMs > 0 && leftMs <= aMonthMs ? null : 'valid_until is in the past or more than a month ahead';
}

const issueOf = (terms: Terms) => ({
  id: terms.issue_id,
  gameCode: terms.games[0] ?? '',
  prepaidId: null,
  campaignId: null,
  betCount: Number(terms.freespins_quantity),
  startTime: new Date().toISOString(),
  endTime: terms.valid_until,
});

function cancelProblem(freeRounds: FreeRoundsBook, dialect: 'a8r-v2' | 'a8r-v1', id: string): Refusal | null {
  if (freeRounds.find(dialect, id) === undefined) return unknown('There is no such issue');
  return freeRounds.cancel(dialect, id) ? null : invalid('What has been played cannot be cancelled');
}

const openDemo = (
  book: RoundBook,
  dialect: 'a8r-v2' | 'a8r-v1',
  gameCode: string,
  returnUrl: string | undefined,
  oneUnit: bigint,
) =>
  book.openSession({
    dialect,
    token: null,
    user: null,
    currency: 'FUN',
    gameCode,
    lobbyUrl: returnUrl ?? null,
    demoBalance: 1_000n * oneUnit,
  });
